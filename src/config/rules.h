#pragma once

#include "config/model.h"
#include "config/scope.h"

namespace envtool {

/// Machines that are named exist, dependencies do not go in circles, and one machine at most is primary.
/// Turns blocks in `depends_on` into their machines.
void check_dependencies(ProjectConfig& project, Diagnostics& problems);

/// `${machine.port.N}` and `${machines.NAME.port.N}` name guest ports that the machine's `ports` forward.
void check_references(const ProjectConfig& project, Diagnostics& problems);

/// Host ports and aliases belong to one machine each.
void check_uniqueness(const ProjectConfig& project, Diagnostics& problems);

}  // namespace envtool
