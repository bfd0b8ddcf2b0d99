#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Stops every process of the running machine where it is, and waits until all stand still. Throws
/// Error(failed) when one does not within ten seconds; they then run on.
void freeze(const Layout& layout, const std::string& machine);
/// Lets them run on; nothing is frozen: nothing to do. Throws Error(failed).
void thaw(const Layout& layout, const std::string& machine);

/// The operations of that name: on a running machine, paused or not.
Value suspend_machine(Context& context);
Value resume_machine(Context& context);

}  // namespace envtool::lxc
