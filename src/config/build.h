#pragma once

#include "config/model.h"
#include "config/tables.h"

namespace envtool {

/// Makes the model out of a checked tree. What the tables cannot say of one value (a range that runs
/// backwards, an address outside of its subnet) is reported at its place.
MachineConfig build_machine(const Value& checked, const MachineIdentity& identity,
                            const PluginSchemas& plugins, const Scope& scope);

/// Steps in order, each with its kind and a name of its own.
std::vector<ProvisionConfig> build_provision(const Value& list, const PluginSchemas& plugins);

/// `sources:`.
SourcesConfig build_sources(const Value& checked);

/// All of a project but its machines.
ProjectConfig build_project(const Value& checked, const PluginSchemas& plugins);

}  // namespace envtool
