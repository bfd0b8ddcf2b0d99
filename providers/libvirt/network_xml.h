#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"

namespace envtool::libvirt {

/// Of a /24 its first three numbers: "10.87.0".
using Subnet = std::string;

/// In the order in which they are tried: libvirt refuses one that the host has a route to.
std::vector<Subnet> candidate_subnets();

/// A network of a project's own. One that is not isolated has the host as its number 1, NAT out of it, and
/// DHCP for the addresses that are reserved in it, by which nobody gets a default route or a name server. The
/// host has no address in an isolated one.
struct ProjectNetwork {
  std::string environment, name;
  IpSubnet subnet;
  bool isolated = false;
  bool operator==(const ProjectNetwork&) const = default;
};
std::string project_network_xml(const ProjectNetwork& network);
/// Nothing for a network that is none.
std::optional<ProjectNetwork> parse_project_network(std::string_view xml);

/// Who has which address, as `<host>` of a network.
struct Reservation {
  std::string mac, name, address;
  bool operator==(const Reservation&) const = default;
};
std::string reservation_xml(const Reservation& reservation);

/// Our network: NAT, DHCP, marked in its metadata. Its first machine is in it from the beginning: for a
/// change while it runs libvirt would take all its rules of the firewall away and make them anew.
std::string network_xml(const Subnet& subnet, const Reservation& first);

/// A network as libvirt describes it.
struct NetworkFacts {
  bool ours = false;
  Subnet subnet;
  std::vector<Reservation> reservations;
};
NetworkFacts network_facts(std::string_view xml);

/// The lowest address from .2 on that is not reserved; nothing when all are.
std::optional<std::string> free_address(const NetworkFacts& network);

}  // namespace envtool::libvirt
