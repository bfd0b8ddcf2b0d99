#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/lock.h"
#include "providers/lxc/parts/network_plan.h"

namespace envtool::lxc {

/// The bridge that all machines of this host share, with its addresses, NAT, DNS and firewall rules. Whoever
/// changes it, or takes a number out of a machine's record, holds its lock.
class Network {
 public:
  /// Takes the lock, and chooses bridge and subnet when there are none yet.
  explicit Network(Context& context);

  const std::string& bridge() const { return bridge_; }
  const IpSubnet& subnet() const { return subnet_; }
  std::string gateway() const { return subnet_.host(1); }

  /// Makes the bridge and its DNS if they are not there. May choose another subnet, if others have taken the
  /// old one meanwhile. REQUIRES: this process has mounted nothing of a machine's, which dnsmasq would keep
  /// mounted.
  void ensure_bridge();
  /// NAT and firewall, if they have not been set up since the bridge was made.
  void ensure_services();
  /// The text of a guest's resolv.conf.
  std::string resolv_conf() const;
  /// Takes all away. For when no machine is left, of any user.
  void remove();

 private:
  void save() const;
  bool bridge_is_there() const;
  UniqueFd dns_process() const;  ///< a pidfd of our dnsmasq; empty when it does not run
  void start_dns();
  void stop_dns() const;
  std::string pid_file() const { return "/run/dnsmasq-" + bridge_ + ".pid"; }

  Context& context_;
  Lock lock_;
  std::string bridge_;
  IpSubnet subnet_;
  bool dns_ = false;
  bool ready_ = false;
};

/// A guest's resolv.conf with the name servers that the host asks itself; a warning when it has none that a
/// guest could reach.
std::string host_resolv_conf(Context& context);

}  // namespace envtool::lxc
