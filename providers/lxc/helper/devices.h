#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/container_config.h"

namespace envtool::lxc {

/// Device nodes of the host's for the guest: with root nodes of the machine's own, which its root owns, in
/// this process's mounts; without root the host's, as far as the user may use them. Throws Error(failed) for
/// what is no device, Error(unsupported) for one that the user may not use.
std::vector<DeviceNode> prepare_devices(const Context& context, const Record& record,
                                        const std::vector<std::string>& paths);

}  // namespace envtool::lxc
