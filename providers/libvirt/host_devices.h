#pragma once

#include <string>
#include <vector>

#include "base/ip.h"
#include "providers/libvirt/connection.h"

namespace envtool::libvirt {

/// A network device of the host that holds libvirt, which a guest may use.
struct HostDevice {
  std::string name;
  bool is_bridge = true;               ///< else the guest's device lies over it (macvtap)
  std::vector<IpSubnet> subnets = {};  ///< of its own addresses, as far as they are known

  /// The network in which that address lies; of an unknown one the usual for its family.
  IpSubnet subnet_of(const IpAddress& address) const;
};

/// The device of that name. Throws Error(host_not_ready) when this host has none, with one like it. Of
/// another host nothing is known, and it counts as a bridge.
HostDevice host_device(const Connection& connection, const std::string& name);

}  // namespace envtool::libvirt
