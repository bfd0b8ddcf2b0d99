#pragma once

#include <sys/types.h>

#include <string>

#include "providers/lxc/parts/processes.h"

namespace envtool::lxc {

/// Like fork(2), and the child is in that machine's control groups from the start. Throws Error(failed) when
/// the machine does not run; a child that cannot enter them ends at once with the reason on its error stream.
pid_t fork_into_groups(const Cgroups& cgroups, const std::string& machine);

}  // namespace envtool::lxc
