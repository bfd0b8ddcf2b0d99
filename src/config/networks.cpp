#include "config/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/ip.h"

namespace envtool {

namespace {

/// What is said of one network, each by whom first.
struct Facts {
  const NetworkConfig* subnet = nullptr;
  const NetworkConfig* isolated = nullptr;
  const NetworkConfig* bridge = nullptr;  ///< with or without: whoever named the network first
};

/// Machines of other networks than those in which anything can be.
bool is_of_machines(const IpSubnet& subnet) {
  for (const char* text :
       {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3", "::/8", "fe80::/10", "ff00::/8"})
    if (subnet.overlaps(*IpSubnet::parse(text))) return false;
  return true;
}

/// The networks of all machines as one provider makes them.
class View {
 public:
  struct Place {
    const MachineConfig* machine;
    NetworkConfig* network;
  };

  explicit View(Diagnostics& problems) : problems_(problems) {}

  void add(const MachineConfig& machine, std::vector<NetworkConfig>& networks) {
    for (NetworkConfig& network : networks) places_.push_back({&machine, &network});
  }

  void settle() {
    for (const Place& place : places_) learn(*place.network);
    for (const Place& place : places_) fill(*place.network);
    for (const Place& place : places_) check_address(place);
    check_subnets();
  }

 private:
  void contradict(const NetworkConfig& here, const std::string& here_says, const NetworkConfig& there,
                  const std::string& there_says) {
    problems_.add(here.position,
                  fmt::format("network '{}' {} here and {} at {}", here.name, here_says, there_says,
                              there.position.to_string()),
                  "a network is the same for all machines that are in it");
  }

  static std::string kind_of(const NetworkConfig& network) {
    return network.bridge.empty() ? "is the project's own"
                                  : fmt::format("is the bridge '{}'", network.bridge);
  }

  void learn(const NetworkConfig& network) {
    Facts& facts = facts_[network.name];
    if (!facts.bridge) facts.bridge = &network;
    if (facts.bridge->bridge != network.bridge)
      contradict(network, kind_of(network), *facts.bridge, kind_of(*facts.bridge));
    if (!network.subnet.empty()) {
      if (!facts.subnet) facts.subnet = &network;
      if (facts.subnet->subnet != network.subnet)
        contradict(network, fmt::format("has subnet '{}'", network.subnet), *facts.subnet,
                   fmt::format("'{}'", facts.subnet->subnet));
    }
    if (network.isolated) {
      if (!facts.isolated) facts.isolated = &network;
      if (*facts.isolated->isolated != *network.isolated)
        contradict(network, fmt::format("has 'isolated: {}'", *network.isolated), *facts.isolated,
                   fmt::format("'isolated: {}'", *facts.isolated->isolated));
    }
  }

  void fill(NetworkConfig& network) const {
    const Facts& facts = facts_.at(network.name);
    if (facts.subnet && facts.subnet != &network) network.subnet = facts.subnet->subnet;
    network.isolated = facts.isolated && *facts.isolated->isolated;
    const auto subnet = IpSubnet::parse_exact(network.subnet);
    if (!subnet) return;
    if (const auto address = IpAddress::parse(network.ip)) network.ip = address->to_string();
    if (network.host_number && *network.host_number > 0 &&
        subnet->has_host(static_cast<std::uint64_t>(*network.host_number))) {
      network.ip = subnet->host(static_cast<std::uint64_t>(*network.host_number));
      network.host_number.reset();
    }
  }

  void check_address(const Place& place) {
    const NetworkConfig& network = *place.network;
    check_single(place, "MAC address", network.mac, network.mac);
    const std::string number = network.host_number ? std::to_string(*network.host_number) : "";
    check_single(place, "address", network.ip.empty() ? number : network.ip,
                 fmt::format("{} {}", network.name, network.ip.empty() ? number : network.ip));
    const auto subnet = IpSubnet::parse_exact(network.subnet);
    const auto address = IpAddress::parse(network.ip);
    if (network.host_number) return check_number(network);
    if (!address) return;
    if (!subnet && network.subnet.empty() && network.bridge.empty())
      return problems_.add(network.ip_position,
                           fmt::format("address '{}' is in no subnet: network '{}' has none that is fixed",
                                       network.ip, network.name),
                           "add 'subnet: ...' to it, or write a host number, such as 'ip: 11'");
    if (!subnet) return;
    const auto host = subnet->number_of(*address);
    if (!host && !subnet->contains(*address))
      problems_.add(network.ip_position,
                    fmt::format("'{}' is not an address of '{}'", network.ip, network.subnet));
    else if (host && !subnet->has_host(*host))
      problems_.add(network.ip_position, fmt::format("'{}' stands for all of network '{}', not for a machine",
                                                     network.ip, network.name));
    else if (host == 1U && !*network.isolated)
      refuse_gateway(network);
  }

  /// A number that no address could be made of.
  void check_number(const NetworkConfig& network) {
    if (*network.host_number < 1 || IpSubnet::parse_exact(network.subnet))
      problems_.add(network.ip_position,
                    fmt::format("there is no host number {} in '{}'", *network.host_number,
                                network.subnet.empty() ? network.name : network.subnet));
    else if (network.bridge.empty() && *network.host_number > 254)
      problems_.add(network.ip_position,
                    fmt::format("there is no host number {} in network '{}', which has 254",
                                *network.host_number, network.name),
                    "a network with a 'subnet' of its own can have more");
    else if (*network.host_number == 1 && network.bridge.empty() && !*network.isolated)
      refuse_gateway(network);
  }

  void refuse_gateway(const NetworkConfig& network) {
    problems_.add(network.ip_position,
                  fmt::format("host number 1 of network '{}' is this host's own", network.name),
                  "machines have those from 2 on");
  }

  void check_single(const Place& place, std::string_view what, const std::string& value,
                    const std::string& key) {
    if (value.empty()) return;
    const NetworkConfig& network = *place.network;
    const SourcePosition& position = what == "address" ? network.ip_position : network.position;
    const auto [known, is_new] = singles_.emplace(fmt::format("{} {}", what, key), place.machine);
    if (!is_new)
      problems_.add(position, fmt::format("{} '{}' of machine '{}' is also that of '{}'", what, value,
                                          place.machine->name, known->second->name));
  }

  void check_subnets() {
    std::vector<std::pair<IpSubnet, const NetworkConfig*>> known;
    for (const auto& [name, facts] : facts_) {
      if (!facts.subnet) continue;
      const NetworkConfig& network = *facts.subnet;
      const auto subnet = IpSubnet::parse_exact(network.subnet);
      if (!subnet) continue;
      if (!is_of_machines(*subnet) || subnet->network.bits() - subnet->bits < 2)
        problems_.add(network.position, fmt::format("no machines can be in subnet '{}'", network.subnet),
                      "a private one, such as '10.30.0.0/24' or 'fd00:30::/64'");
      for (const auto& [other, owner] : known)
        if (subnet->overlaps(other))
          problems_.add(network.position,
                        fmt::format("subnet '{}' of network '{}' overlaps '{}' of network '{}'",
                                    network.subnet, network.name, owner->subnet, owner->name));
      known.emplace_back(*subnet, &network);
    }
  }

  Diagnostics& problems_;
  std::vector<Place> places_;
  std::map<std::string, Facts> facts_;
  std::map<std::string, const MachineConfig*> singles_;
};

/// Gives each machine a list of its own for that provider, if any has one.
bool has_own_lists(ProjectConfig& project, const std::string& provider) {
  const bool any = std::ranges::any_of(project.machines, [&](const MachineConfig& machine) {
    const auto found = machine.provider_overrides.find(provider);
    return found != machine.provider_overrides.end() && found->second.networks;
  });
  if (any)
    for (MachineConfig& machine : project.machines)
      if (auto& own = machine.provider_overrides[provider].networks; !own) own = machine.networks;
  return any;
}

}  // namespace

void settle_networks(ProjectConfig& project, Diagnostics& problems) {
  std::set<std::string> providers;
  for (const MachineConfig& machine : project.machines)
    for (const auto& [name, overrides] : machine.provider_overrides) providers.insert(name);
  std::erase_if(providers, [&](const std::string& name) { return !has_own_lists(project, name); });
  View shared(problems);
  for (MachineConfig& machine : project.machines) shared.add(machine, machine.networks);
  shared.settle();
  for (const std::string& provider : providers) {
    View own(problems);
    for (MachineConfig& machine : project.machines)
      own.add(machine, *machine.provider_overrides[provider].networks);
    own.settle();
  }
}

void learn_networks(const Node& machine, Names& names) {
  const auto learn = [&](const Node* list) {
    if (list == nullptr || !list->is_list()) return;
    for (const Node& item : list->items) {
      const Node* name = item.is_map() ? item.find("name") : &item;
      if (name == nullptr || !name->is_scalar()) continue;
      if (name->text.find('$') != std::string::npos) names.knows_networks = false;
      names.networks.insert(name->text);
    }
  };
  learn(machine.find("networks"));
  if (const Node* providers = machine.find("providers"); providers != nullptr && providers->is_map())
    for (const Entry& provider : providers->entries)
      if (provider.value.is_map()) learn(provider.value.find("networks"));
}

}  // namespace envtool
