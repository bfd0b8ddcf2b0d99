#pragma once

#include "providers/lxc/helper/context.h"

/// Machines that start with this host (`start_on_boot`), by the systemd unit envtool-lxc-boot.service.
namespace envtool::lxc {

/// Keeps the request with which the machine is started now, or forgets an older one, as its options say.
/// Warns where nothing would start it.
void remember_for_boot(Context& context);

/// The operation `boot`: every machine that has such a request is started by it, as its owner's. One that
/// cannot be started keeps none of the others; Error(failed) then names each.
Value start_with_host(Context& context);

}  // namespace envtool::lxc
