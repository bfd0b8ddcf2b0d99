#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/guest_tree.h"

namespace envtool::lxc {

/// Tells what manages networks in the guest which of the machine's devices have their addresses already, and
/// which are to ask for one. Warns when nothing in the guest could ask.
void write_guest_networks(Context& context, const Record& record, const GuestTree& guest);

}  // namespace envtool::lxc
