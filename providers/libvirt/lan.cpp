#include "providers/libvirt/lan.h"

#include <fmt/format.h>

#include "providers/libvirt/network_xml.h"

namespace envtool::libvirt {

namespace {

NetworkFacts facts_of(const Network& network) {
  const Text xml(api().virNetworkGetXMLDesc(network.get(), 0));
  if (!xml) fail(fmt::format("read the network '{}'", network_name));
  return network_facts(xml.get());
}

/// Defines and starts it with its first machine in the first subnet that libvirt takes. Null when another
/// process was faster.
Network make_network(const Connection& connection, const MachineNames& first) {
  std::string why;
  for (const Subnet& subnet : candidate_subnets()) {
    const std::string address = *free_address({.subnet = subnet, .reservations = {}});
    const std::string xml = network_xml(subnet, {first.mac(), first.machine, address});
    Network network(api().virNetworkDefineXML(connection.get(), xml.c_str()));
    if (!network) {
      if (connection.find_network(network_name)) return {};
      fail(fmt::format("make the network '{}'", network_name));
    }
    if (api().virNetworkCreate(network.get()) == 0) {
      api().virNetworkSetAutostart(network.get(), 1);
      return network;
    }
    why = last_message();
    if (api().virNetworkIsActive(network.get()) == 1) return network;
    api().virNetworkUndefine(network.get());
    if (why.find("already in use") == std::string::npos) break;
  }
  throw Error(ErrorKind::failed, fmt::format("cannot start the network '{}': {}", network_name, why));
}

Network ensure_network(const Connection& connection, const MachineNames& names) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    Network network = connection.find_network(network_name);
    if (!network) network = make_network(connection, names);
    if (!network) continue;
    if (!facts_of(network).ours)
      throw Error(ErrorKind::failed,
                  fmt::format("libvirt at '{}' has a network '{}' that envtool did not make",
                              connection.uri(), network_name))
          .with_hint(fmt::format("'virsh net-dumpxml {}' shows it; rename or remove it", network_name));
    if (api().virNetworkIsActive(network.get()) == 1 || api().virNetworkCreate(network.get()) == 0)
      return network;
    const std::string why = last_message();
    // Its subnet is somebody else's now: machines that stand still take an address of the next one.
    if (why.find("already in use") == std::string::npos || api().virNetworkUndefine(network.get()) != 0)
      throw Error(ErrorKind::failed, fmt::format("cannot start the network '{}': {}", network_name, why));
  }
  throw Error(ErrorKind::failed, fmt::format("the network '{}' comes and goes", network_name));
}

bool update(const Network& network, unsigned command, const Reservation& host) {
  return api().virNetworkUpdate(network.get(), command, VIR_NETWORK_SECTION_IP_DHCP_HOST, -1,
                                reservation_xml(host).c_str(),
                                VIR_NETWORK_UPDATE_AFFECT_LIVE | VIR_NETWORK_UPDATE_AFFECT_CONFIG) == 0;
}

}  // namespace

std::string reserve_address(const Connection& connection, const MachineNames& names) {
  const std::string mac = names.mac();
  // Others choose at the same time; libvirt takes an address once.
  for (int attempt = 0; attempt < 20; ++attempt) {
    const Network network = ensure_network(connection, names);
    const NetworkFacts facts = facts_of(network);
    for (const Reservation& host : facts.reservations)
      if (host.mac == mac) return host.address;
    const auto address = free_address(facts);
    if (!address)
      throw Error(ErrorKind::failed, fmt::format("the network '{}' has no free address", network_name));
    if (update(network, VIR_NETWORK_UPDATE_COMMAND_ADD_LAST, {mac, names.machine, *address})) return *address;
  }
  fail(fmt::format("reserve an address in the network '{}'", network_name));
}

void release_address(const Connection& connection, const MachineNames& names) {
  const Network network = connection.find_network(network_name);
  if (!network) return;
  NetworkFacts facts = facts_of(network);
  if (!facts.ours) return;
  const auto mine = std::find_if(facts.reservations.begin(), facts.reservations.end(),
                                 [&](const Reservation& host) { return host.mac == names.mac(); });
  if (mine != facts.reservations.end() && !update(network, VIR_NETWORK_UPDATE_COMMAND_DELETE, *mine))
    fail(fmt::format("give back the address of '{}'", names.machine));
  if (!facts_of(network).reservations.empty()) return;
  api().virNetworkDestroy(network.get());
  api().virNetworkUndefine(network.get());
}

std::string network_device(const Connection& connection) {
  const Network network = connection.find_network(network_name);
  if (!network) return {};
  const Text device(api().virNetworkGetBridgeName(network.get()));
  return device ? device.get() : "";
}

}  // namespace envtool::libvirt
