#pragma once

#include <string>
#include <vector>

#include "providers/lxc/helper/guest_tree.h"

namespace envtool::lxc {

/// How a box that is made of a machine differs from it.
struct Unsealed {
  std::vector<std::string> left_out;  ///< paths, as the guest has them
  std::string entries;                ///< of a tar, without its end: what is there instead, below `./rootfs`
};

/// The other way round than `seal_box` and `create`: what let envtool in and made the machine itself (keys,
/// name, address, machine id, and what systemd keeps secret for one machine) is left out. Instead anybody's
/// tools can start it: eth0 asks for its address, host keys are made at the first boot, and the ssh user is
/// entered with the key that Vagrant publishes for boxes and replaces. Source: Vagrant's documentation of
/// base boxes; systemd's "Building Images Safely".
Unsealed unseal(const GuestTree& guest, const Account& user);

}  // namespace envtool::lxc
