#pragma once

#include "core/context.h"

namespace envtool {

/// Writes the box of a machine by the power that its provider has for it. What stands behind "package" in the
/// journal until it is done: `abandon_package` takes it back. Throws Error(failed).
void package_machine(MachineContext& machine, const NewBox& box);

/// Removes what a package that was cut off left of the machine's copy.
void abandon_package(MachineContext& machine);

}  // namespace envtool
