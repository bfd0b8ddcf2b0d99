#pragma once

#include <string>
#include <vector>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/network_plan.h"

namespace envtool::lxc {

/// A bridge of the host's on which this user may put devices. Its addresses, NAT and DNS are its owner's.
struct LentBridge {
  std::string name;
  IpSubnet subnet;
  std::string gateway;  ///< the bridge's own address
};

/// One that /etc/lxc/lxc-usernet names for the user and that has an IPv4 address: the preferred one, else the
/// first. For a process in the host's network. Throws Error(host_not_ready).
LentBridge find_lent_bridge(const Context& context, const std::string& preferred);

/// An address of the bridge's that no machine of the user's has, nor, as far as one can see, anybody else.
/// Machines of many users spread over the network by their names.
std::string choose_address(const Context& context, const LentBridge& bridge, const std::string& machine,
                           const std::vector<std::string>& found_used = {});

/// What a guest there writes into resolv.conf.
std::string resolv_conf_on(Context& context, const LentBridge& bridge);

/// Whether somebody answers for the address on the network of that device of this process's (RFC 5227). The
/// device must be up.
bool is_address_used(const std::string& device, const std::string& address);

}  // namespace envtool::lxc
