#pragma once

#include <string>

#include "base/ip.h"
#include "providers/lxc/parts/network_plan.h"

/// The host's firewall, as far as a bridge of ours needs it.
namespace envtool::lxc {

/// Gives the bridge its own table, and accept rules where others drop; in place of earlier ones. Throws
/// Error(host_not_ready) without nftables.
void set_firewall(const std::string& bridge, const IpSubnet& subnet, Passage passage);

/// Takes all of that away. Nothing there: nothing to do.
void remove_firewall(const std::string& bridge);

}  // namespace envtool::lxc
