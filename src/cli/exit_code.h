#pragma once

#include "core/engine.h"

namespace envtool {

/// What this program tells its caller. `ssh -c` and `exec` give the guest's own status instead.
namespace exit_code {
inline constexpr int done = 0, failed = 1, usage = 2, bad_envfile = 3, host_not_ready = 4, busy = 5,
                     unsupported = 6, work_to_do = 10, interrupted = 130;
}

int exit_code_of(ErrorKind kind);
int exit_code_of(const Outcome& outcome);

}  // namespace envtool
