#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/addresses.h"
#include "base/value.h"
#include "providers/lxc/parts/record.h"

/// Networks beside the one that every machine has: the project's own, and bridges of the host's. Values to
/// values, nothing is touched here.
namespace envtool::lxc {

/// What a request says of one of the machine's networks.
struct WantedNetwork {
  std::string name;
  std::optional<IpSubnet> subnet;  ///< nothing: chosen and kept
  std::optional<IpAddress> ip;
  std::optional<std::uint64_t> number;  ///< of the host in the subnet, in place of `ip`
  std::string bridge;                   ///< the host's; empty: the project's own
  std::string mac;
  bool isolated = false;
  std::vector<std::string> promised;  ///< addresses and numbers of machines that may be still to come

  AddressWish wish() const { return {name, ip, number, promised}; }
};

/// Throws Error(usage) for what the provider would not have sent.
std::vector<WantedNetwork> wanted_networks(const Value& request);

/// The interface that is a project's network: at most 15 bytes, and different for each root directory.
std::string project_bridge(const std::string& root, const std::string& environment,
                           const std::string& network);
/// The alias of the bridge that all machines share.
inline constexpr const char* shared_alias = "envtool";
/// How the alias of a project's network begins: "envtool 4f2a backend ". What follows says how it is set up.
std::string project_alias(const std::string& environment, const std::string& network);
/// Whether a device with that alias is a bridge of envtool's.
bool is_own_alias(std::string_view alias);

/// The host's end of the machine's device in that network.
std::string veth_name(const std::string& machine, const std::string& network);

/// Addresses that machines have on that bridge, each with who has it; the one of that name left out.
std::map<std::string, std::string> taken_addresses(const std::vector<Record>& records,
                                                   const std::string& bridge,
                                                   const std::string& without_machine);
/// Other networks on this host that the subnet is not to touch, with the words that name them.
struct KnownNetwork {
  IpSubnet subnet;
  std::string what;
  std::string device;
  std::string environment = {};  ///< whose it is, if it is envtool's
};
/// Those of `ip -json route show table all`, but for the device's own.
std::vector<KnownNetwork> known_routes(const Value& routes, const std::string& without_device);
/// Those of projects' networks, whether a machine runs or not.
std::vector<KnownNetwork> recorded_networks(const std::vector<Record>& records,
                                            const std::string& without_bridge);

}  // namespace envtool::lxc
