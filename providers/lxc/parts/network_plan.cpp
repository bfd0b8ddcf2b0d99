#include "providers/lxc/parts/network_plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "providers/lxc/parts/layout.h"

namespace envtool::lxc {

namespace {

IpSubnet of_24(unsigned a, unsigned b, unsigned c) {
  return {IpAddress::of_v4(a << 24 | b << 16 | c << 8), 24};
}

}  // namespace

std::vector<IpSubnet> routed_networks(const Value& routes) {
  std::vector<IpSubnet> networks;
  for (const Value& route : routes.items()) {
    const std::optional<IpSubnet> network = IpSubnet::parse(route["dst"].as_text());
    // A VPN's two halves of everything are default routes as well: nothing would be left beside them.
    if (network && network->bits > 1) networks.push_back(*network);
  }
  return networks;
}

IpSubnet choose_subnet(const std::vector<IpSubnet>& routed) {
  std::vector<IpSubnet> candidates;
  for (unsigned third = 0; third < 256; ++third) candidates.push_back(of_24(10, 86, third));
  for (unsigned third = 0; third < 256; ++third) candidates.push_back(of_24(172, 29, third));
  for (unsigned third = 0; third < 256; ++third) candidates.push_back(of_24(192, 168, 255 - third));
  for (const IpSubnet& candidate : candidates)
    if (std::none_of(routed.begin(), routed.end(),
                     [&](const IpSubnet& other) { return candidate.overlaps(other); }))
      return candidate;
  throw Error(ErrorKind::failed,
              "no private network is free for the machines: routes of this host cover them all")
      .with_hint(
          "'ip route show table all' lists the routes; envtool tries 10.86.0.0/16, 172.29.0.0/16 and "
          "192.168.0.0/16");
}

std::uint32_t choose_host(const std::vector<std::uint32_t>& taken) {
  for (std::uint32_t number = 2; number < 255; ++number)
    if (std::find(taken.begin(), taken.end(), number) == taken.end()) return number;
  throw Error(ErrorKind::failed, "all 253 addresses of the bridge are taken by machines");
}

std::string unmanaged_network() {
  return "# Made by envtool, and gone with its last machine.\n"
         "[Match]\nName=envt* ev[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f]*\n\n[Link]\nUnmanaged=yes\n";
}

std::string bridge_name(const std::string& root) {
  return root == default_root ? "envtool0" : "envt" + sha256(root).substr(0, 8);
}

std::string mac_address(const std::string& bridge, const std::string& machine) {
  const std::string digest = sha256(bridge + "/" + machine);
  return fmt::format("52:55:{}:{}:{}:{}", digest.substr(0, 2), digest.substr(2, 2), digest.substr(4, 2),
                     digest.substr(6, 2));
}

std::string rule_tag(const std::string& bridge) { return "envtool:" + bridge; }

}  // namespace envtool::lxc
