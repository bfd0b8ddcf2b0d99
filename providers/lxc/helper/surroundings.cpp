#include "providers/lxc/helper/surroundings.h"

#include <fmt/format.h>

#include <charconv>

#include "base/files.h"
#include "providers/lxc/helper/lent_bridge.h"
#include "providers/lxc/helper/network.h"
#include "providers/lxc/helper/project_networks.h"
#include "providers/lxc/parts/container_config.h"
#include "providers/lxc/parts/ids.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::uint32_t host_number(const std::string& address) {
  std::uint32_t number = 0;
  const std::size_t dot = address.rfind('.');
  if (dot != std::string::npos)
    std::from_chars(address.data() + dot + 1, address.data() + address.size(), number);
  return number;
}

std::string lines_of(const std::vector<fs::path>& paths) {
  std::string text;
  for (const fs::path& path : paths) text += path.string() + "\n";
  return text;
}

/// Without root there are the host's bridges only.
std::vector<NetworkLink> choose_lent_links(const Context& context) {
  std::vector<NetworkLink> links;
  for (const WantedNetwork& wanted : wanted_networks(context.request)) {
    if (wanted.bridge.empty())
      throw Error(
          ErrorKind::unsupported,
          fmt::format("network '{}' is the project's own, which without root cannot be made", wanted.name));
    links.push_back(choose_place(context, wanted));
  }
  return links;
}

Record reserve_lent(Context& context, Storage storage, const Account& user) {
  const Lock lock = wait_for_lock(context.layout.network_lock(), std::chrono::seconds(60));
  const LentBridge bridge = find_lent_bridge(context, "");
  const std::string& name = context.text("name");
  const Record record{.name = name,
                      .environment = context.text("environment"),
                      .owner = context.caller.host_uid,
                      .complete = false,
                      .box = context.text("digest"),
                      .storage = storage,
                      .ids = context.outside->first_id,
                      .user = context.text("user"),
                      .own = IdPair{user.uid, user.gid},
                      .bridge = bridge.name,
                      .address = choose_address(context, bridge, name),
                      .prefix = bridge.subnet.bits,
                      .mac = mac_address(context.layout.root.string(), name),
                      .networks = choose_lent_links(context)};
  save_record(context, record);
  return record;
}

Record reserve_own(Context& context, Storage storage) {
  Network network(context);
  std::vector<std::uint32_t> numbers;
  std::vector<IdRange> ids = parse_subordinate_ids(read_file_if_there("/etc/subuid").value_or(""));
  const std::vector<IdRange> groups = parse_subordinate_ids(read_file_if_there("/etc/subgid").value_or(""));
  ids.insert(ids.end(), groups.begin(), groups.end());
  for (const Record& other : all_records(context.layout)) {
    numbers.push_back(host_number(other.address));
    ids.push_back({other.ids, ids_per_machine});
  }
  const std::string& name = context.text("name");
  const Record record{.name = name,
                      .environment = context.text("environment"),
                      .owner = context.caller.uid,
                      .complete = false,
                      .box = context.text("digest"),
                      .storage = storage,
                      .ids = context.request["unprivileged"].as_bool(true) ? choose_id_block(ids) : 0,
                      .user = context.text("user"),
                      .bridge = network.bridge(),
                      .device = veth_name(name),
                      .address = network.subnet().host(choose_host(numbers)),
                      .mac = mac_address(network.bridge(), name),
                      .networks = choose_links(context, {}, network.subnet())};
  save_record(context, record);
  return record;
}

/// Makes root's bridge if it is not there, and the project's. May change the machine's addresses.
Surroundings join_bridge(Context& context, Record& record) {
  Network network(context);
  network.ensure_bridge();
  const Record before = record;
  record.address = network.subnet().host(host_number(record.address));
  // First: a network that only got another name may have the same subnet.
  remove_unused_bridges(context, before.networks, wanted_networks(context.request));
  record.networks = choose_links(context, before.networks, network.subnet());
  if (!(record == before)) save_record(context, record);
  ensure_bridges(context, record);
  return {network.gateway(), network.resolv_conf(), {}};
}

/// Gives this process a network with the machine's device in it, on the user's bridge, and makes sure of its
/// address: others on the bridge ask nobody before they take one.
Surroundings join_lent_bridge(Context& context, Record& record) {
  const std::vector<fs::path> groups = make_own_groups(context.caller.name, record.name);
  write_file(context.layout.cgroups(record.name), lines_of(groups));
  const Lock lock = wait_for_lock(context.layout.network_lock(), std::chrono::seconds(60));
  const LentBridge bridge = find_lent_bridge(context, record.bridge);
  const Surroundings around{bridge.gateway, resolv_conf_on(context, bridge), groups};
  const std::optional<IpSubnet> address = IpSubnet::parse(record.address);
  if (record.bridge != bridge.name || !address || !bridge.subnet.overlaps(*address))
    record.address = choose_address(context, bridge, record.name);
  record.bridge = bridge.name;
  record.prefix = bridge.subnet.bits;
  std::vector<std::string> found_used;
  record.networks = choose_lent_links(context);
  std::vector<std::string> bridges = {bridge.name};
  for (const NetworkLink& link : record.networks) bridges.push_back(link.bridge);
  const std::vector<std::string> devices = enter_own_network(*context.outside, bridges);
  record.device = devices[0];
  for (std::size_t at = 0; at < record.networks.size(); ++at) record.networks[at].device = devices[at + 1];
  run_checked({"ip", "link", "set", "eth0", "address", record.mac, "up"});
  while (is_address_used("eth0", record.address)) {
    if (found_used.size() == 16)
      throw Error(ErrorKind::failed,
                  fmt::format("the bridge '{}' has no free address: {} and 15 more are taken", bridge.name,
                              record.address));
    found_used.push_back(record.address);
    record.address = choose_address(context, bridge, record.name, found_used);
  }
  save_record(context, record);
  return around;
}

}  // namespace

Record reserve(Context& context, Storage storage, const Account& user) {
  return context.rootless() ? reserve_lent(context, storage, user) : reserve_own(context, storage);
}

Surroundings join_surroundings(Context& context, Record& record) {
  return context.rootless() ? join_lent_bridge(context, record) : join_bridge(context, record);
}

}  // namespace envtool::lxc
