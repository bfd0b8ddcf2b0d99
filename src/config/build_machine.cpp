#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "base/ip.h"
#include "config/build.h"
#include "config/scalar.h"

namespace envtool {

namespace {

std::filesystem::path path_of(const Value& value) { return value.as_text(); }

std::optional<ByteSize> size_of(const Value& value) {
  if (!value.is_integer()) return std::nullopt;
  return ByteSize{static_cast<std::uint64_t>(value.as_integer())};
}

std::optional<int> number_of(const Value& value) {
  return value.is_integer() ? std::optional(static_cast<int>(value.as_integer())) : std::nullopt;
}

std::chrono::milliseconds duration_of(const Value& value, std::chrono::milliseconds fallback) {
  return value.is_integer() ? std::chrono::milliseconds(value.as_integer()) : fallback;
}

std::uint16_t port_of(const Value& value) { return static_cast<std::uint16_t>(value.as_integer()); }

/// Builds the lists of one machine; problems go to the scope.
class MachineParts {
 public:
  explicit MachineParts(const Scope& scope) : scope_(scope) {}

  std::optional<BoxConfig> box(const Value& value) const {
    if (!value.is_map()) return std::nullopt;
    BoxConfig box{.name = value["name"].as_text(),
                  .version = value["version"].as_text(),
                  .url = value["url"].as_text(),
                  .checksum = value["checksum"].as_text(),
                  .architecture = value["architecture"].as_text(),
                  .format = value["format"].as_text(),
                  .base_directory = scope_.names.directory_of(value.position),
                  .personal = scope_.names.personal.contains(value.position.source.get()),
                  .position = value.position};
    if (value.has("name") && box.name.empty()) wrong(value.position, "'box' is empty");
    return box;
  }

  PortConfig port(const Value& value) const {
    PortConfig port{.bind = value["bind"].as_text(),
                    .guest = port_of(value["guest"]),
                    .protocol = value["protocol"].as_text() == "udp" ? Protocol::udp : Protocol::tcp,
                    .position = value.position};
    if (!port.bind.empty() && !IpAddress::parse(port.bind))
      wrong(value.position, fmt::format("'{}' is not an IP address", port.bind));
    if (const std::string& host = value["host"].as_text(); !host.empty())
      port.host = range(host, value.position);
    return port;
  }

  std::vector<PortConfig> ports(const Value& list) const {
    std::vector<PortConfig> ports;
    for (const Value& item : list.items()) ports.push_back(port(item));
    return ports;
  }

  std::vector<FolderConfig> folders(const Value& list) const {
    std::vector<FolderConfig> folders;
    for (const Value& item : list.items()) folders.push_back(folder(item));
    return folders;
  }

  std::vector<NetworkConfig> networks(const Value& list) const {
    std::vector<NetworkConfig> networks;
    for (const Value& item : list.items()) networks.push_back(network(item));
    return networks;
  }

  static std::vector<DiskConfig> disks(const Value& list) {
    std::vector<DiskConfig> disks;
    for (const Value& item : list.items())
      disks.push_back({item["name"].as_text(), size_of(item["size"]).value_or(ByteSize{}),
                       item["mount"].as_text(), item["keep"].as_bool(), item.position});
    return disks;
  }

  std::vector<ReadyProbe> probes(const Value& list) const {
    std::vector<ReadyProbe> probes;
    for (const Value& item : list.items()) probes.push_back(probe(item));
    return probes;
  }

 private:
  void wrong(const SourcePosition& position, std::string text, std::string hint = {}) const {
    scope_.problems.add(position, std::move(text), std::move(hint));
  }

  std::optional<PortRange> range(const std::string& text, const SourcePosition& position) const {
    const std::size_t dash = text.find('-');
    const auto first = parse_integer(std::string_view(text).substr(0, dash));
    const auto last =
        dash == std::string::npos ? first : parse_integer(std::string_view(text).substr(dash + 1));
    const auto is_port = [](const auto& number) { return number && *number >= 1 && *number <= 65535; };
    if (is_port(first) && is_port(last) && *first <= *last)
      return PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
    wrong(position, fmt::format("'{}' is not a range of host ports from 1 to 65535", text),
          "such as '8080-8089'");
    return std::nullopt;
  }

  FolderConfig folder(const Value& value) const {
    static const std::map<std::string, FolderType> types = {
        {"auto", FolderType::automatic}, {"bind", FolderType::bind},   {"virtiofs", FolderType::virtiofs},
        {"9p", FolderType::ninep},       {"rsync", FolderType::rsync}, {"sftp", FolderType::sftp}};
    const auto type = types.find(value["type"].as_text());
    FolderConfig folder{.host = path_of(value["host"]),
                        .guest = std::filesystem::path(value["guest"].as_text()).lexically_normal(),
                        .type = type == types.end() ? FolderType::automatic : type->second,
                        .read_only = value["read_only"].as_bool(),
                        .exclude = value["exclude"].as_texts(),
                        .owner = value["owner"].as_text(),
                        .watch = value["watch"].as_bool(),
                        .create = value["create"].as_bool(),
                        .position = value.position};
    while (folder.guest.size() > 1 && folder.guest.ends_with('/')) folder.guest.pop_back();
    if (folder.guest == "/") wrong(value.position, "a folder cannot take the place of the guest's '/'");
    check_type(folder, value);
    return folder;
  }

  void check_type(const FolderConfig& folder, const Value& value) const {
    const bool copies = folder.type == FolderType::rsync || folder.type == FolderType::sftp ||
                        folder.type == FolderType::automatic;
    if (folder.watch && !copies)
      wrong(value["watch"].position,
            fmt::format("'watch' is for types rsync and sftp, found type {}", to_string(folder.type)));
    if (copies) return;
    for (const Value& pattern : value["exclude"].items())
      if (pattern.as_text().find_first_of("*?[") != std::string::npos)
        wrong(pattern.position,
              fmt::format("'exclude' takes literal directories with type {}, found '{}'",
                          to_string(folder.type), pattern.as_text()),
              "types rsync and sftp know patterns");
  }

  NetworkConfig network(const Value& value) const {
    NetworkConfig network{
        .name = value["name"].as_text(),
        .subnet = value["subnet"].as_text(),
        .ip = value["ip"].as_text(),
        .bridge = value["bridge"].as_text(),
        .mac = value["mac"].as_text(),
        .isolated = value.has("isolated") ? std::optional(value["isolated"].as_bool()) : std::nullopt,
        .position = value.position,
        .ip_position = value["ip"].position};
    std::ranges::transform(network.mac, network.mac.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (const auto number = parse_integer(network.ip)) {
      network.host_number = static_cast<int>(*number);
      network.ip.clear();
    }
    for (const std::string_view key : {"subnet", "isolated"})
      if (!network.bridge.empty() && value.has(key))
        wrong(value[key].position,
              fmt::format("'{}' and 'bridge' exclude each other: the bridge is the host's", key));
    check_texts(network, value);
    return network;
  }

  /// What can be said of the network without the project's other machines: see config/networks.h.
  void check_texts(const NetworkConfig& network, const Value& value) const {
    if (!network.subnet.empty() && !IpSubnet::parse_exact(network.subnet))
      wrong(value["subnet"].position, fmt::format("'{}' is not a subnet", network.subnet),
            "the network's address and a prefix, such as '10.30.0.0/24'");
    if (!network.ip.empty() && !IpAddress::parse(network.ip))
      wrong(value["ip"].position, fmt::format("'{}' is not an IP address", network.ip));
    constexpr std::string_view odd = "13579bdf";
    if (!network.mac.empty() && odd.find(network.mac[1]) != std::string_view::npos)
      wrong(value["mac"].position, fmt::format("'{}' is the MAC address of a group", network.mac),
            "the second digit of a machine's own is even, as in '52:54:00:aa:bb:cc'");
  }

  ReadyProbe probe(const Value& value) const {
    ReadyProbe probe{.kind = value.has("tcp")    ? ProbeKind::tcp
                             : value.has("http") ? ProbeKind::http
                                                 : ProbeKind::run,
                     .port = port_of(value.has("tcp") ? value["tcp"] : value["http"]),
                     .command = value["run"].as_text(),
                     .hint = value["hint"].as_text(),
                     .position = value.position};
    if (value.has("path")) probe.path = value["path"].as_text();
    if (value.has("path") && probe.kind != ProbeKind::http)
      wrong(value["path"].position, "'path' goes with 'http' only");
    probe.timeout = duration_of(value["timeout"], probe.timeout);
    return probe;
  }

  const Scope& scope_;
};

MachineOverrides overrides_of(const Value& block, const PluginSchema& plugin, const MachineParts& parts) {
  MachineOverrides overrides{.options = Value::map()};
  overrides.options.position = block.position;
  std::set<std::string> own;
  for (const OptionSpec& option : plugin.options) {
    own.insert(option.name);
    const Value& value = block.has(option.name) ? block[option.name] : option.fallback;
    if (!value.is_null()) overrides.options.set(option.name, value);
  }
  const auto shared = [&](const std::string& key) -> const Value& {
    static const Value absent;
    return own.contains(key) ? absent : block[key];
  };
  overrides.box = parts.box(shared("box"));
  overrides.cpus = number_of(shared("cpus"));
  overrides.memory = size_of(shared("memory"));
  overrides.disk = size_of(shared("disk"));
  if (shared("folders").is_list()) overrides.folders = parts.folders(shared("folders"));
  if (shared("networks").is_list()) overrides.networks = parts.networks(shared("networks"));
  return overrides;
}

/// How the machine is reached, waited for and let out.
void build_access(MachineConfig& machine, const Value& checked) {
  machine.ssh = {checked["ssh"]["user"].as_text(), checked["ssh"]["forward_agent"].as_bool(),
                 checked["ssh"]["password"]};
  machine.timeouts.boot = duration_of(checked["timeouts"]["boot"], machine.timeouts.boot);
  machine.timeouts.shutdown = duration_of(checked["timeouts"]["shutdown"], machine.timeouts.shutdown);
  const Value& proxy = checked["proxy"];
  if (proxy["mode"].as_text() == "host")
    machine.proxy = proxy["mode"];
  else if (proxy.is_map() && !proxy.has("mode"))
    machine.proxy = proxy;
}

}  // namespace

std::vector<ProvisionConfig> build_provision(const Value& list, const PluginSchemas& plugins) {
  std::vector<ProvisionConfig> steps;
  std::set<std::string> names;
  for (const Value& item : list.items()) names.insert(item["name"].as_text());
  for (const Value& item : list.items()) {
    const auto plugin =
        std::ranges::find_if(plugins.provisioners, [&](const auto& each) { return item.has(each.name); });
    if (plugin == plugins.provisioners.end()) continue;
    ProvisionConfig step{.name = item["name"].as_text(),
                         .kind = plugin->name,
                         .options = item[plugin->name],
                         .machines = item["machines"].as_texts(),
                         .position = item.position};
    std::string base = fmt::format("{}-{}", step.kind, steps.size() + 1);
    for (int more = 2; step.name.empty(); ++more) {
      if (names.insert(base).second)
        step.name = base;
      else
        base = fmt::format("{}-{}-{}", step.kind, steps.size() + 1, more);
    }
    const std::string run = item.has("run") ? item["run"].as_text() : plugin->default_run;
    step.run = run == "always"    ? RunPolicy::always
               : run == "never"   ? RunPolicy::never
               : run == "changed" ? RunPolicy::changed
                                  : RunPolicy::once;
    steps.push_back(std::move(step));
  }
  return steps;
}

MachineConfig build_machine(const Value& checked, const MachineIdentity& identity,
                            const PluginSchemas& plugins, const Scope& scope) {
  const MachineParts parts(scope);
  MachineConfig machine;
  machine.name = identity.name;
  machine.block = identity.block;
  machine.index = identity.index;
  machine.position = identity.position;
  machine.primary = checked["primary"].as_bool() && identity.index == 1;
  machine.autostart = checked["autostart"].as_bool(true);
  machine.depends_on = checked["depends_on"].as_texts();
  machine.providers = checked["provider"].as_texts();
  machine.box = parts.box(checked["box"]);
  machine.cpus = number_of(checked["cpus"]);
  machine.memory = size_of(checked["memory"]);
  machine.disk = size_of(checked["disk"]);
  machine.disks = parts.disks(checked["disks"]);
  machine.ports = parts.ports(checked["ports"]);
  machine.networks = parts.networks(checked["networks"]);
  machine.aliases = checked["aliases"].as_texts();
  machine.folders = parts.folders(checked["folders"]);
  machine.groups = checked["groups"].as_texts();
  machine.vars = checked["vars"].is_map() ? checked["vars"] : Value::map();
  machine.provision = build_provision(checked["provision"], plugins);
  machine.ready = parts.probes(checked["ready"]);
  machine.hostname = checked.has("hostname") ? checked["hostname"].as_text() : identity.name;
  build_access(machine, checked);
  for (const std::string& file : checked["ca_certs"].as_texts()) machine.ca_certs.emplace_back(file);
  machine.cloud_init = checked["cloud_init"];
  machine.message = checked["message"];
  for (const PluginSchema& plugin : plugins.providers)
    machine.provider_overrides.emplace(plugin.name,
                                       overrides_of(checked["providers"][plugin.name], plugin, parts));
  return machine;
}

}  // namespace envtool
