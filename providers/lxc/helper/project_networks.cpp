#include "providers/lxc/helper/project_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/files.h"
#include "base/suggest.h"
#include "base/text.h"
#include "providers/lxc/helper/bridge.h"
#include "providers/lxc/helper/firewall.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

const fs::path devices = "/sys/class/net";

bool is_bridge(const std::string& device) {
  std::error_code code;
  return fs::is_directory(devices / device / "bridge", code);
}

/// Throws unless machines can be put there.
void require_host_bridge(const WantedNetwork& wanted) {
  if (!is_bridge(wanted.bridge)) {
    std::vector<std::string> bridges;
    std::error_code code;
    for (const fs::directory_entry& entry : fs::directory_iterator(devices, code))
      if (is_bridge(entry.path().filename().string())) bridges.push_back(entry.path().filename().string());
    const std::string guess = did_you_mean(wanted.bridge, bridges);
    throw Error(ErrorKind::host_not_ready,
                fmt::format("network '{}': this host has no bridge '{}'", wanted.name, wanted.bridge))
        .with_hint(!guess.empty()
                       ? guess
                       : fmt::format("without 'bridge' the network is the project's own; 'ip link add "
                                     "{} type bridge' makes one that is the host's",
                                     wanted.bridge));
  }
  if (is_own_alias(trim(read_file_if_there(devices / wanted.bridge / "ifalias").value_or(""))))
    throw Error(ErrorKind::failed,
                fmt::format("network '{}': the bridge '{}' is envtool's own, and goes with its machines",
                            wanted.name, wanted.bridge))
        .with_hint("name a bridge that you made, or leave 'bridge' out for a network of the project's own");
}

/// The addresses that this host has on the device.
std::vector<std::pair<IpAddress, IpSubnet>> host_addresses(const std::string& device) {
  std::vector<std::pair<IpAddress, IpSubnet>> found;
  const Value list = parse_json(run_checked({"ip", "-json", "address", "show", "dev", device}), "ip address");
  for (const Value& entry : list.items())
    for (const Value& info : entry["addr_info"].items()) {
      const auto address = IpAddress::parse(info["local"].as_text());
      const auto bits = static_cast<unsigned>(info["prefixlen"].as_integer());
      if (address && info["scope"].as_text() != "link")
        found.emplace_back(*address, IpSubnet{address->masked(bits), bits});
    }
  return found;
}

std::string setup_of(const IpSubnet& subnet, bool isolated) {
  return subnet.to_string() + (isolated ? " isolated" : "");
}

std::vector<Record> other_machines(const Context& context) {
  std::vector<Record> records = all_records(context.layout);
  std::erase_if(records, [&](const Record& record) { return record.name == context.text("name"); });
  return records;
}

NetworkLink empty_link(const Context& context, const WantedNetwork& wanted) {
  const std::string& machine = context.text("name");
  NetworkLink link{.name = wanted.name,
                   .bridge = wanted.bridge,
                   .foreign = !wanted.bridge.empty(),
                   .subnet = {},
                   .address = {},
                   .mac = wanted.mac,
                   .device = veth_name(machine, wanted.name)};
  if (!link.foreign)
    link.bridge = project_bridge(context.layout.root.string(), context.text("environment"), wanted.name);
  if (link.mac.empty()) link.mac = mac_address(link.bridge, machine + "/" + wanted.name);
  return link;
}

/// Chooses one after the other, so that the second network does not get the subnet of the first.
class Choice {
 public:
  Choice(const Context& context, const std::vector<NetworkLink>& earlier, const IpSubnet& shared)
      : context_(context), earlier_(earlier), shared_(shared), others_(other_machines(context)) {}

  void add(const WantedNetwork& wanted) {
    NetworkLink link = empty_link(context_, wanted);
    const IpSubnet subnet = choose_project_subnet(wanted, link);
    link.subnet = subnet.to_string();
    link.address = choose_address(subnet, wanted.wish(), earlier_address(link, subnet),
                                  taken_addresses(others_, link.bridge, context_.text("name")));
    links.push_back(std::move(link));
  }

  std::vector<NetworkLink> links = {};

 private:
  std::vector<KnownNetwork> known_networks(const NetworkLink& link, bool v6) const {
    std::vector<KnownNetwork> known = recorded_networks(others_, link.bridge);
    const Value routes = parse_json(
        run_checked({"ip", "-json", v6 ? "-6" : "-4", "route", "show", "table", "all"}), "ip route");
    for (KnownNetwork& route : known_routes(routes, link.bridge)) known.push_back(std::move(route));
    for (const NetworkLink& own : links)
      if (const auto subnet = IpSubnet::parse_exact(own.subnet))
        known.push_back({*subnet, fmt::format("'{}' of network '{}'", own.subnet, own.name), own.bridge});
    // Its bridge may not be there yet.
    known.push_back({shared_, fmt::format("'{}', which all machines share", shared_.to_string()), {}});
    return known;
  }

  /// What keeps the subnet from being the network's. Those of the same environment do not: as the Envfile has
  /// no two that overlap, it is the network by another name, which goes with the restart of who is in it.
  const KnownNetwork* find_overlap(const std::vector<KnownNetwork>& known, const IpSubnet& subnet) const {
    const std::string& environment = context_.text("environment");
    std::set<std::string> own_devices;
    for (const KnownNetwork& other : known)
      if (other.environment == environment) own_devices.insert(other.device);
    const auto found = std::find_if(known.begin(), known.end(), [&](const KnownNetwork& other) {
      return other.subnet.overlaps(subnet) && !own_devices.contains(other.device);
    });
    return found == known.end() ? nullptr : &*found;
  }

  /// Where the network is or was: by its other machines, else by this one.
  std::optional<IpSubnet> kept_subnet(const NetworkLink& link) const {
    for (const Record& record : others_)
      for (const NetworkLink& other : record.networks)
        if (other.bridge == link.bridge)
          if (const auto subnet = IpSubnet::parse_exact(other.subnet)) return subnet;
    for (const NetworkLink& own : earlier_)
      if (own.bridge == link.bridge) return IpSubnet::parse_exact(own.subnet);
    return std::nullopt;
  }

  IpSubnet choose_project_subnet(const WantedNetwork& wanted, const NetworkLink& link) const {
    const std::optional<IpSubnet> kept = wanted.subnet ? wanted.subnet : kept_subnet(link);
    const std::string begin = project_alias(context_.text("environment"), wanted.name);
    if (kept && device_alias(link.bridge) == begin + setup_of(*kept, wanted.isolated)) return *kept;
    const std::vector<KnownNetwork> known = known_networks(link, kept && kept->is_v6());
    const KnownNetwork* const overlap = kept ? find_overlap(known, *kept) : nullptr;
    if (kept && overlap == nullptr) return *kept;
    std::vector<IpSubnet> used;
    for (const KnownNetwork& other : known) used.push_back(other.subnet);
    const IpSubnet free = choose_subnet(used);
    if (!wanted.subnet) return free;
    throw Error(ErrorKind::failed, fmt::format("network '{}': its subnet '{}' overlaps {}", wanted.name,
                                               wanted.subnet->to_string(), overlap->what))
        .with_hint(kept->is_v6() ? "choose another, or leave 'subnet' out to have one of IPv4 chosen"
                                 : fmt::format("'{}' is free, or leave 'subnet' out to have one chosen",
                                               free.to_string()));
  }

  /// The address that it had, or the one of the same number.
  std::string earlier_address(const NetworkLink& link, const IpSubnet& subnet) const {
    for (const NetworkLink& own : earlier_) {
      const auto before = IpSubnet::parse_exact(own.subnet);
      const auto address = IpAddress::parse(own.address);
      if (own.bridge != link.bridge || !before || !address) continue;
      const auto number = before->number_of(*address);
      if (number && subnet.has_host(*number)) return subnet.host(*number);
    }
    return "";
  }

  const Context& context_;
  const std::vector<NetworkLink>& earlier_;
  const IpSubnet& shared_;
  const std::vector<Record> others_;
};

void set_up_bridge(const NetworkLink& link, bool isolated, const std::string& alias, bool is_there) {
  const IpSubnet subnet = *IpSubnet::parse_exact(link.subnet);
  if (is_there) run_checked({"ip", "link", "set", link.bridge, "alias", alias + "changing"});
  std::string commands = is_there ? fmt::format("address flush dev {}\n", link.bridge)
                                  : fmt::format("link add {} type bridge\n", link.bridge);
  commands += fmt::format("link set {} addrgenmode {}\n", link.bridge, isolated ? "none" : "eui64");
  if (!isolated)
    commands += fmt::format("address add {}/{} {} dev {}\n", subnet.host(1), subnet.bits,
                            subnet.is_v6() ? "nodad" : "broadcast +", link.bridge);
  run_checked({"ip", "-batch", "-"}, commands + fmt::format("link set {} up\n", link.bridge));
  set_firewall(link.bridge, subnet, isolated ? Passage::isolated : Passage::project);
  run_checked({"ip", "link", "set", link.bridge, "alias", alias + setup_of(subnet, isolated)});
}

}  // namespace

NetworkLink choose_place(const Context& context, const WantedNetwork& wanted) {
  require_host_bridge(wanted);
  NetworkLink link = empty_link(context, wanted);
  if (!wanted.ip && !wanted.number) return link;
  std::map<std::string, std::string> taken =
      taken_addresses(all_records(context.layout), link.bridge, context.text("name"));
  std::vector<std::string> subnets;
  for (const auto& [address, subnet] : host_addresses(link.bridge)) {
    taken.emplace(address.to_string(), "this host");
    subnets.push_back(subnet.to_string());
  }
  for (const auto& [address, subnet] : host_addresses(link.bridge))
    if (wanted.ip ? subnet.contains(*wanted.ip) : !subnet.is_v6() && subnet.has_host(*wanted.number)) {
      link.subnet = subnet.to_string();
      link.address = choose_address(subnet, wanted.wish(), "", taken);
      return link;
    }
  throw Error(
      ErrorKind::failed,
      fmt::format("network '{}': the bridge '{}' has no network with {}", wanted.name, wanted.bridge,
                  wanted.ip ? wanted.ip->to_string() : fmt::format("a host number {}", *wanted.number)))
      .with_hint(subnets.empty()
                     ? "this host has no address there; without 'ip' the guest asks by DHCP"
                     : fmt::format("it has: {}; without 'ip' the guest asks by DHCP", join(subnets, ", ")));
}

std::vector<NetworkLink> choose_links(const Context& context, const std::vector<NetworkLink>& earlier,
                                      const IpSubnet& shared) {
  Choice choice(context, earlier, shared);
  for (const WantedNetwork& wanted : wanted_networks(context.request))
    if (wanted.bridge.empty())
      choice.add(wanted);
    else
      choice.links.push_back(choose_place(context, wanted));
  return choice.links;
}

void ensure_bridges(const Context& context, const Record& record) {
  const std::vector<WantedNetwork> wanted = wanted_networks(context.request);
  for (const NetworkLink& link : record.networks) {
    if (link.foreign) continue;
    const bool isolated = std::any_of(wanted.begin(), wanted.end(), [&](const WantedNetwork& network) {
      return network.name == link.name && network.isolated;
    });
    const std::string alias = project_alias(record.environment, link.name);
    const auto found = device_alias(link.bridge);
    if (found && !found->starts_with(alias)) refuse_device(link.bridge);
    if (found != alias + setup_of(*IpSubnet::parse_exact(link.subnet), isolated))
      set_up_bridge(link, isolated, alias, found.has_value());
  }
}

void remove_unused_bridges(const Context& context, const std::vector<NetworkLink>& links,
                           const std::vector<WantedNetwork>& wanted) {
  if (links.empty()) return;
  std::set<std::string> used;
  for (const WantedNetwork& network : wanted) used.insert(empty_link(context, network).bridge);
  for (const Record& record : other_machines(context))
    for (const NetworkLink& link : record.networks) used.insert(link.bridge);
  for (const NetworkLink& link : links) {
    if (link.foreign || used.contains(link.bridge)) continue;
    remove_firewall(link.bridge);
    const auto alias = device_alias(link.bridge);
    if (alias && alias->starts_with(project_alias(context.text("environment"), link.name)))
      run_checked({"ip", "link", "delete", link.bridge});
  }
}

}  // namespace envtool::lxc
