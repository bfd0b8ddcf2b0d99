#include "providers/lxc/parts/project_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/parts/layout.h"

namespace envtool::lxc {

namespace {

bool consists_of(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool is_network_name(const std::string& name) {
  return consists_of(name, "abcdefghijklmnopqrstuvwxyz0123456789-") && name[0] != '-' && name.size() <= 63;
}

bool is_interface_name(const std::string& name) {
  return !name.empty() && name.size() <= 15 && name != "." && name != ".." &&
         name.find_first_of("/ \t\n\v\f\r") == std::string::npos;
}

bool is_mac(const std::string& mac) {
  return mac.size() == 17 && consists_of(mac, "0123456789abcdef:") &&
         std::count(mac.begin(), mac.end(), ':') == 5;
}

WantedNetwork wanted_network(const Value& value) {
  WantedNetwork wanted{.name = value["name"].as_text(),
                       .subnet = IpSubnet::parse_exact(value["subnet"].as_text()),
                       .ip = IpAddress::parse(value["ip"].as_text()),
                       .number = std::nullopt,
                       .bridge = value["bridge"].as_text(),
                       .mac = value["mac"].as_text(),
                       .isolated = value["isolated"].as_bool(),
                       .promised = value["promised"].as_texts()};
  if (const std::int64_t number = value["number"].as_integer(); number > 0)
    wanted.number = static_cast<std::uint64_t>(number);
  if (!is_network_name(wanted.name) || (!wanted.bridge.empty() && !is_interface_name(wanted.bridge)) ||
      (!wanted.mac.empty() && !is_mac(wanted.mac)) ||
      (!wanted.subnet && !value["subnet"].as_text().empty()) ||
      (!wanted.ip && !value["ip"].as_text().empty()))
    throw Error(ErrorKind::usage, fmt::format("'{}' is no network of a machine", to_json(value)));
  return wanted;
}

}  // namespace

std::vector<WantedNetwork> wanted_networks(const Value& request) {
  std::vector<WantedNetwork> networks;
  std::set<std::string> names;
  for (const Value& value : request["networks"].items()) {
    networks.push_back(wanted_network(value));
    if (!names.insert(networks.back().name).second)
      throw Error(ErrorKind::usage, fmt::format("network '{}' stands there twice", networks.back().name));
  }
  return networks;
}

std::string project_bridge(const std::string& root, const std::string& environment,
                           const std::string& network) {
  return "ev" + sha256(root).substr(0, 5) + sha256(root + "/" + environment + "/" + network).substr(0, 8);
}

std::string project_alias(const std::string& environment, const std::string& network) {
  return fmt::format("{} {} {} ", shared_alias, environment, network);
}

bool is_own_alias(std::string_view alias) {
  return alias == shared_alias || alias.starts_with(std::string(shared_alias) + " ");
}

std::string veth_name(const std::string& machine, const std::string& network) {
  return "envt" + sha256(machine + "/" + network).substr(0, 10);
}

std::map<std::string, std::string> taken_addresses(const std::vector<Record>& records,
                                                   const std::string& bridge,
                                                   const std::string& without_machine) {
  std::map<std::string, std::string> taken;
  for (const Record& record : records)
    for (const NetworkLink& link : record.networks)
      if (record.name != without_machine && link.bridge == bridge && !link.address.empty())
        taken.emplace(link.address, fmt::format("machine '{}'", record.name));
  return taken;
}

std::vector<KnownNetwork> known_routes(const Value& routes, const std::string& without_device) {
  std::vector<KnownNetwork> known;
  for (const Value& route : routes.items()) {
    const std::string& device = route["dev"].as_text();
    const auto subnet = IpSubnet::parse(route["dst"].as_text());
    if (!subnet || subnet->bits <= 1 || device == without_device) continue;
    known.push_back({*subnet,
                     device.empty()
                         ? fmt::format("'{}', which this host has a route for", subnet->to_string())
                         : fmt::format("'{}', which this host has on '{}'", subnet->to_string(), device),
                     device});
  }
  return known;
}

std::vector<KnownNetwork> recorded_networks(const std::vector<Record>& records,
                                            const std::string& without_bridge) {
  std::vector<KnownNetwork> known;
  for (const Record& record : records)
    for (const NetworkLink& link : record.networks)
      if (const auto subnet = IpSubnet::parse(link.subnet);
          subnet && !link.foreign && link.bridge != without_bridge)
        known.push_back({*subnet,
                         fmt::format("'{}', the network '{}' of environment {}", link.subnet, link.name,
                                     record.environment.substr(0, 8)),
                         link.bridge, record.environment});
  return known;
}

}  // namespace envtool::lxc
