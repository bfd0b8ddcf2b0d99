#pragma once

#include "core/context.h"

namespace envtool {

/// Makes a guest that came up with the keys of its box the user's own, in the session that there is and by
/// one command: a new host key, pinned before it is used, the machine's login key alone, and the host name.
/// Done twice it harms nothing. Throws Error(failed).
void take_over(MachineContext& machine);

}  // namespace envtool
