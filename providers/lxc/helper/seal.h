#pragma once

#include "providers/lxc/helper/guest_tree.h"

namespace envtool::lxc {

/// Makes an unpacked box fit to be shared by machines: what would let strangers in (its host keys, authorized
/// keys, passwords) goes, and so does what asks for an address or holds up the boot of a container.
void seal_box(const GuestTree& box);

}  // namespace envtool::lxc
