#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/limits.h"

namespace envtool::lxc {

/// The request's `cpus`, `memory` and `cpu_set`. Throws Error(usage) for what is no set of CPUs.
LimitValues requested_limits(const Context& context);

/// Makes the running machine's limits those of the request. Where the kernel refuses one, Error(failed) says
/// which and those from before are put back.
Value apply_limits(Context& context);

}  // namespace envtool::lxc
