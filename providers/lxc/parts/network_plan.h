#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/value.h"

/// What the shared bridge, its addresses and its rules are to be: values to values, nothing is touched here.
namespace envtool::lxc {

/// The networks of `ip -json -4 route show table all`, default routes left out.
std::vector<IpSubnet> routed_networks(const Value& routes);

/// A /24 that no route touches. Throws Error(failed) when there is none.
IpSubnet choose_subnet(const std::vector<IpSubnet>& routed);

/// The lowest host number from 2 to 254 that is not taken. Throws Error(failed) when all are.
std::uint32_t choose_host(const std::vector<std::uint32_t>& taken);

/// The bridge of a root directory: "envtool0" for the usual one, a name of its own for others.
std::string bridge_name(const std::string& root);
/// A locally administered address that stays with the machine.
std::string mac_address(const std::string& bridge, const std::string& machine);

/// What keeps systemd-networkd from devices of ours, a .network file: common ones match `en*`, and networkd
/// takes what it configures off its bridge.
std::string unmanaged_network();

/// The comment that marks our rules in other programs' chains.
std::string rule_tag(const std::string& bridge);

/// What may pass a bridge of ours.
enum class Passage {
  shared,   ///< out by NAT, in from the host, and the host's DNS
  project,  ///< the same without DNS
  isolated  ///< from port to port only
};

/// Our own nftables table, of the bridge's name, in place of an older one: source NAT for what leaves the
/// subnet; of an isolated bridge no way in or out. Empty where nothing is needed: IPv6 is not let out.
std::string bridge_rules(const std::string& bridge, const IpSubnet& subnet, Passage passage);

/// A chain of nftables that would drop the guests' traffic.
struct DroppingChain {
  std::string family, table, chain;
  bool forwards = false;  ///< else input
  bool operator==(const DroppingChain&) const = default;
};
/// In `nft --json list ruleset`: base chains of forward and input that drop by policy or end in a drop;
/// DOCKER-USER in place of the forward chain of its table. firewalld's own tables are left to firewalld.
std::vector<DroppingChain> dropping_chains(const Value& ruleset);
/// Rules that let the bridge's traffic through, each with our tag; input: DNS and ICMP at most.
std::string accept_rules(const std::vector<DroppingChain>& chains, const std::string& bridge,
                         Passage passage);
/// `delete rule` for each rule that carries the tag, and `delete table` for ours.
std::string removal_rules(const Value& ruleset, const std::string& bridge);

/// The same for iptables-legacy, whose tables nftables does not show: what to append to `iptables -w`, given
/// what
/// `-S` printed. To remove, the rules with our tag in `-S`, as `-D`.
std::vector<std::vector<std::string>> legacy_accepts(std::string_view listing, const std::string& bridge,
                                                     Passage passage);
std::vector<std::vector<std::string>> legacy_removals(std::string_view listing, const std::string& bridge);

}  // namespace envtool::lxc
