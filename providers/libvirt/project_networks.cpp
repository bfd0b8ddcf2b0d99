#include "providers/libvirt/project_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/addresses.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/host_devices.h"
#include "providers/libvirt/network_xml.h"

namespace envtool::libvirt {

namespace {

using namespace std::chrono_literals;

constexpr unsigned live_and_later = VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG;

/// Somebody else's subnet, as libvirt's words have it.
bool is_in_use(const std::string& why) { return why.find("already in use") != std::string::npos; }

std::string xml_of(const Network& network) {
  const Text xml(api().virNetworkGetXMLDesc(network.get(), 0));
  return xml ? xml.get() : "";
}

std::vector<Network> all_networks(const Connection& connection) {
  virNetworkPtr* list = nullptr;
  const int count = api().virConnectListAllNetworks(connection.get(), &list, 0);
  if (count < 0) fail("list libvirt's networks");
  std::vector<Network> networks;
  for (int i = 0; i < count; ++i) networks.emplace_back(list[i]);
  std::free(list);
  return networks;
}

void remove_network(const Network& network) {
  api().virNetworkDestroy(network.get());
  if (api().virNetworkUndefine(network.get()) != 0 && last_code() != VIR_ERR_NO_NETWORK)
    fail(fmt::format("remove the network '{}'", api().virNetworkGetName(network.get())));
}

void start(const Network& network, const std::string& name) {
  if (api().virNetworkIsActive(network.get()) == 1 || api().virNetworkCreate(network.get()) == 0) return;
  const std::string why = last_message();
  if (api().virNetworkIsActive(network.get()) == 1) return;  // somebody else was faster
  Error error(ErrorKind::failed, fmt::format("cannot start the network '{}': {}", name, why));
  if (is_in_use(why)) error.with_hint("the host has its subnet elsewhere by now: choose another 'subnet'");
  throw error;
}

/// In the order in which they are tried. Those of the network that every machine has are others.
std::vector<IpSubnet> candidates() {
  std::vector<IpSubnet> subnets;
  for (unsigned third = 0; third < 256; ++third)
    subnets.push_back({IpAddress::of_v4(10u << 24 | 88u << 16 | third << 8), 24});
  return subnets;
}

/// One machine's choices, network by network.
class Choice {
 public:
  Choice(const Connection& connection, const MachineSpec& spec)
      : connection_(connection), spec_(spec), domains_(tagged_domains(connection)) {}

  NetworkLink join(const NetworkConfig& wanted, const NetworkLink& earlier);

 private:
  Network find_own(const NetworkConfig& wanted) const;
  Network ensure(const NetworkConfig& wanted) const;
  Network make(const NetworkConfig& wanted, const IpSubnet& subnet, bool is_chosen) const;
  std::vector<Network> overlapping(const NetworkConfig& wanted, const IpSubnet& subnet) const;
  void make_room(const NetworkConfig& wanted, const IpSubnet& subnet) const;
  std::map<std::string, std::string> taken(const NetworkLink& link) const;
  void reserve(const Network& network, const NetworkLink& link) const;
  AddressWish wish_of(const NetworkConfig& wanted) const;

  const Connection& connection_;
  const MachineSpec& spec_;
  std::vector<TaggedDomain> domains_;
};

AddressWish Choice::wish_of(const NetworkConfig& wanted) const {
  AddressWish wish{wanted.name, IpAddress::parse(wanted.ip), std::nullopt, {}};
  if (wanted.host_number) wish.number = static_cast<std::uint64_t>(*wanted.host_number);
  if (const auto promised = spec_.promised.find(wanted.name); promised != spec_.promised.end())
    wish.promised = promised->second;
  return wish;
}

std::map<std::string, std::string> Choice::taken(const NetworkLink& link) const {
  std::map<std::string, std::string> taken;
  for (const TaggedDomain& other : domains_) {
    if (other.name == spec_.backend_name) continue;
    for (const NetworkLink& theirs : other.tag.networks) {
      const bool is_same = link.host_device.empty()
                               ? theirs.host_device.empty() && theirs.name == link.name &&
                                     other.tag.environment == spec_.environment_id
                               : theirs.host_device == link.host_device;
      if (is_same && !theirs.address.empty())
        taken.emplace(theirs.address, fmt::format("machine '{}'", other.name));
    }
  }
  return taken;
}

Network Choice::find_own(const NetworkConfig& wanted) const {
  const std::string name = project_network(spec_.environment_id, wanted.name);
  Network network = connection_.find_network(name);
  if (network && !parse_project_network(xml_of(network)))
    throw Error(ErrorKind::failed, fmt::format("libvirt at '{}' has a network '{}' that envtool did not make",
                                               connection_.uri(), name))
        .with_hint(fmt::format("'virsh net-dumpxml {}' shows it; rename or remove it", name));
  return network;
}

/// The networks of envtool's that the subnet would meet, but for that one itself.
std::vector<Network> Choice::overlapping(const NetworkConfig& wanted, const IpSubnet& subnet) const {
  std::vector<Network> found;
  for (Network& other : all_networks(connection_)) {
    const auto theirs = parse_project_network(xml_of(other));
    const bool is_itself =
        theirs && theirs->environment == spec_.environment_id && theirs->name == wanted.name;
    if (theirs && !is_itself && theirs->subnet.overlaps(subnet)) found.push_back(std::move(other));
  }
  return found;
}

/// One of this environment gives way: by the Envfile it is another one now, or none.
void Choice::make_room(const NetworkConfig& wanted, const IpSubnet& subnet) const {
  for (const Network& other : overlapping(wanted, subnet)) {
    const ProjectNetwork theirs = *parse_project_network(xml_of(other));
    if (theirs.environment == spec_.environment_id) {
      remove_network(other);
      continue;
    }
    throw Error(ErrorKind::failed,
                fmt::format("network '{}': subnet '{}' overlaps '{}', the network '{}' of environment {}",
                            wanted.name, subnet.to_string(), theirs.subnet.to_string(), theirs.name,
                            theirs.environment.substr(0, 8)))
        .with_hint("choose another 'subnet', or leave it out to have a free one");
  }
}

/// Null for a chosen subnet that the host has elsewhere.
Network Choice::make(const NetworkConfig& wanted, const IpSubnet& subnet, bool is_chosen) const {
  const ProjectNetwork plan{spec_.environment_id, wanted.name, subnet, wanted.isolated.value_or(false)};
  Network network(api().virNetworkDefineXML(connection_.get(), project_network_xml(plan).c_str()));
  if (!network) fail(fmt::format("make the network '{}'", wanted.name));
  try {
    start(network, wanted.name);
  } catch (const Error& error) {
    api().virNetworkUndefine(network.get());
    if (is_chosen && is_in_use(error.what())) return {};
    throw;
  }
  api().virNetworkSetAutostart(network.get(), 1);
  return network;
}

Network Choice::ensure(const NetworkConfig& wanted) const {
  const auto written = IpSubnet::parse_exact(wanted.subnet);
  if (Network network = find_own(wanted)) {
    const ProjectNetwork have = *parse_project_network(xml_of(network));
    if ((!written || have.subnet == *written) && have.isolated == wanted.isolated.value_or(false)) {
      start(network, wanted.name);
      return network;
    }
    // As the Envfile has it now; machines that run in it keep their devices, and lose what it was.
    remove_network(network);
  }
  if (written) {
    make_room(wanted, *written);
    return make(wanted, *written, false);
  }
  for (const IpSubnet& subnet : candidates())
    if (overlapping(wanted, subnet).empty())
      if (Network network = make(wanted, subnet, true)) return network;
  throw Error(ErrorKind::failed, fmt::format("no subnet is free for the network '{}'", wanted.name))
      .with_hint("give it a 'subnet' that the host has no route for");
}

/// So that a guest that asks by DHCP is given the same address.
void Choice::reserve(const Network& network, const NetworkLink& link) const {
  const Reservation mine{link.mac, spec_.backend_name, link.address};
  const auto change = [&](unsigned command, const Reservation& host) {
    return api().virNetworkUpdate(network.get(), command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                                  reservation_xml(host).c_str(), live_and_later) == 0;
  };
  for (const Reservation& host : network_facts(xml_of(network)).reservations) {
    if (host == mine) return;
    // Of a machine that is gone, or from before the Envfile was changed.
    if ((host.mac == mine.mac || host.address == mine.address || host.name == mine.name) &&
        !change(VIR_NETWORK_UPDATE_COMMAND_DELETE, host))
      fail(fmt::format("take back the address {} in the network '{}'", host.address, link.name));
  }
  if (!change(VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, mine))
    fail(fmt::format("reserve the address {} in the network '{}'", mine.address, link.name));
}

NetworkLink Choice::join(const NetworkConfig& wanted, const NetworkLink& earlier) {
  const MachineNames names{spec_.backend_name, spec_.environment_id};
  NetworkLink link{.name = wanted.name,
                   .host_device = wanted.bridge,
                   .mac = wanted.mac.empty() ? names.mac_in(wanted.name) : wanted.mac,
                   .subnet = {},
                   .address = {}};
  if (!wanted.bridge.empty()) {
    const HostDevice device = host_device(connection_, wanted.bridge);
    link.is_bridge = device.is_bridge;
    const AddressWish wish = wish_of(wanted);
    if (!wish.ip) return link;
    const IpSubnet subnet = device.subnet_of(*wish.ip);
    link.subnet = subnet.to_string();
    link.address = choose_address(subnet, wish, "", taken(link));
    return link;
  }
  const Network network = ensure(wanted);
  const ProjectNetwork have = *parse_project_network(xml_of(network));
  link.subnet = have.subnet.to_string();
  link.address = choose_address(have.subnet, wish_of(wanted), earlier.address, taken(link));
  if (!have.isolated && !have.subnet.is_v6()) reserve(network, link);
  return link;
}

/// Addresses of the guest's device, as its agent has them; none without one.
std::vector<std::string> asked_addresses(const Domain& domain, const std::string& mac) {
  virDomainInterfacePtr* list = nullptr;
  const int count =
      api().virDomainInterfaceAddresses(domain.get(), &list, VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_AGENT, 0);
  std::vector<std::string> addresses;
  for (int i = 0; i < count; ++i) {
    const virDomainInterface& device = *list[i];
    for (unsigned at = 0; device.hwaddr != nullptr && mac == device.hwaddr && at < device.naddrs; ++at)
      if (!std::string_view(device.addrs[at].addr).starts_with("fe80:"))
        addresses.emplace_back(device.addrs[at].addr);
    api().virDomainInterfaceFree(list[i]);
  }
  std::free(list);
  return addresses;
}

}  // namespace

FileLock lock_networks(Operation& operation) {
  const std::filesystem::path file = operation.host.paths.data / "libvirt-networks.lock";
  for (;;) {
    if (auto lock = FileLock::try_take(file, "networks of libvirt's machines")) return std::move(*lock);
    operation.sleep_for(50ms);
  }
}

std::vector<NetworkLink> join_networks(const Connection& connection, const MachineSpec& spec,
                                       const std::vector<NetworkLink>& earlier) {
  std::vector<NetworkLink> links;
  if (spec.networks.empty()) return links;
  Choice choice(connection, spec);
  for (const NetworkConfig& wanted : spec.networks) {
    const auto before = std::find_if(earlier.begin(), earlier.end(),
                                     [&](const NetworkLink& link) { return link.name == wanted.name; });
    links.push_back(choice.join(wanted, before == earlier.end() ? NetworkLink{} : *before));
  }
  return links;
}

void start_networks(const Connection& connection, const MachineTag& tag) {
  for (const NetworkLink& link : tag.networks)
    if (const Network network = connection.find_network(project_network(tag.environment, link.name)))
      start(network, link.name);
}

void drop_networks(const Connection& connection, const std::string& environment) {
  std::set<std::string> used;
  for (const TaggedDomain& domain : tagged_domains(connection))
    if (domain.tag.environment == environment)
      for (const NetworkLink& link : domain.tag.networks)
        if (link.host_device.empty()) used.insert(link.name);
  for (const Network& network : all_networks(connection)) {
    const auto plan = parse_project_network(xml_of(network));
    if (plan && plan->environment == environment && !used.contains(plan->name)) remove_network(network);
  }
}

std::vector<NetworkPlace> places_of(const Domain& domain, const MachineTag& tag, bool is_running) {
  std::vector<NetworkPlace> places;
  for (const NetworkLink& link : tag.networks) {
    NetworkPlace place{
        .name = link.name,
        .device = link.host_device.empty() ? project_bridge(tag.environment, link.name) : link.host_device,
        .mac = link.mac,
        .addresses = {}};
    if (!link.address.empty())
      place.addresses = {link.address};
    else if (is_running)
      place.addresses = asked_addresses(domain, link.mac);
    places.push_back(std::move(place));
  }
  return places;
}

}  // namespace envtool::libvirt
