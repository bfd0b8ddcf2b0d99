#include "providers/lxc/parts/container_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "base/ip.h"
#include "base/text.h"

namespace envtool::lxc {

namespace {

// As in liblxc's own common.conf: mknod of anything, use of the harmless ones.
constexpr std::array allowed_devices = {"c *:* m",   "b *:* m",   "c 1:3 rwm",   "c 1:5 rwm",
                                        "c 1:7 rwm", "c 1:8 rwm", "c 1:9 rwm",   "c 5:0 rwm",
                                        "c 5:1 rwm", "c 5:2 rwm", "c 136:* rwm", "c 10:229 rwm"};

/// In mount entries a blank is written as in fstab.
std::string mount_field(const std::string& path) {
  return replace_all(replace_all(replace_all(path, "\\", "\\134"), " ", "\\040"), "\t", "\\011");
}

void add_map(std::vector<std::string>& lines, char kind, const IdMap& map) {
  for (const IdMapLine& line : map)
    lines.push_back(fmt::format("lxc.idmap = {} {} {} {}", kind, line.inside, line.outside, line.count));
}

/// An ordinary user's helper was given the device; root's makes it.
void add_network(std::vector<std::string>& lines, const Record& record, const std::string& gateway) {
  if (record.own)
    lines.insert(lines.end(), {"lxc.cgroup.relative = 1", "lxc.net.0.type = phys", "lxc.net.0.link = eth0"});
  else
    lines.insert(lines.end(), {"lxc.net.0.type = veth", "lxc.net.0.veth.pair = " + veth_name(record.name),
                               "lxc.net.0.link = " + record.bridge});
  lines.insert(lines.end(),
               {"lxc.net.0.flags = up", "lxc.net.0.name = eth0", "lxc.net.0.hwaddr = " + record.mac,
                fmt::format("lxc.net.0.ipv4.address = {}/{}", record.address, record.prefix),
                "lxc.net.0.ipv4.gateway = " + gateway});
}

/// eth1 and on. What is not set is the guest's own to ask for.
void add_networks(std::vector<std::string>& lines, const Record& record) {
  for (std::size_t at = 0; at < record.networks.size(); ++at) {
    const NetworkLink& link = record.networks[at];
    const std::string key = fmt::format("lxc.net.{}.", at + 1);
    const std::string name = fmt::format("eth{}", at + 1);
    if (record.own)
      lines.insert(lines.end(), {key + "type = phys", key + "link = " + name});
    else
      lines.insert(lines.end(),
                   {key + "type = veth", key + "veth.pair = " + link.device, key + "link = " + link.bridge});
    lines.insert(lines.end(), {key + "flags = up", key + "name = " + name, key + "hwaddr = " + link.mac});
    if (const auto subnet = IpSubnet::parse(link.subnet); subnet && !link.address.empty())
      lines.push_back(fmt::format("{}{}.address = {}/{}", key, subnet->is_v6() ? "ipv6" : "ipv4",
                                  link.address, subnet->bits));
  }
}

void add_confinement(std::vector<std::string>& lines, const Record& record, const ContainerConfig& config) {
  if (record.ids != 0) {
    const GuestIds ids = guest_ids(record);
    add_map(lines, 'u', ids.users());
    add_map(lines, 'g', ids.groups());
    // The guest's root is nobody on the host, and the default profile keeps systemd from its sandboxes.
    if (config.apparmor) lines.push_back("lxc.apparmor.profile = unconfined");
  } else {
    lines.push_back("lxc.cap.drop = mac_admin mac_override sys_time sys_module sys_rawio");
    const char* version = config.cgroups.devices_v1 ? "cgroup" : "cgroup2";
    lines.push_back(fmt::format("lxc.{}.devices.deny = a", version));
    for (const char* device : allowed_devices)
      lines.push_back(fmt::format("lxc.{}.devices.allow = {}", version, device));
    for (const DeviceNode& device : config.devices)
      lines.push_back(fmt::format("lxc.{}.devices.allow = {}", version, device.rule));
    if (config.apparmor)
      lines.insert(lines.end(), {"lxc.apparmor.profile = generated", "lxc.apparmor.allow_nesting = 1",
                                 "lxc.apparmor.allow_incomplete = 1"});
  }
  if (!config.seccomp_profile.empty()) lines.push_back("lxc.seccomp.profile = " + config.seccomp_profile);
}

void add_mounts(std::vector<std::string>& lines, const Layout& layout, const std::string& machine,
                const ContainerConfig& config) {
  struct Mount {
    std::string source, options;
  };
  // By place: what lies in another one comes after it.
  std::map<std::string, Mount> mounts;
  if (config.options.temporary)
    mounts["/tmp"] = {
        "tmpfs", fmt::format("tmpfs size={},mode=1777,nosuid,nodev,create=dir", *config.options.temporary)};
  for (const DeviceNode& device : config.devices)
    mounts[device.guest] = {mount_field(device.source.string()), "none bind,create=file"};
  for (const MachineDisk& disk : config.disks)
    mounts[disk.mount] = {mount_field(layout.disk(machine, disk.name).string()), "none rbind,create=dir"};
  for (const auto& [number, guest] : config.folders)
    mounts[guest] = {mount_field(layout.folder(machine, number).string()), "none rbind,create=dir"};
  for (const auto& [guest, mount] : mounts)
    lines.push_back(fmt::format("lxc.mount.entry = {} {} {} 0 0", mount.source,
                                mount_field(guest.substr(guest.find_first_not_of('/'))), mount.options));
  // The kernel lets a namespace mount these where it sees one of which nothing is covered.
  if (config.options.nesting)
    lines.insert(lines.end(), {"lxc.mount.entry = proc dev/.lxc/proc proc create=dir 0 0",
                               "lxc.mount.entry = sysfs dev/.lxc/sys sysfs create=dir 0 0"});
}

}  // namespace

std::string container_config_text(const Layout& layout, const Record& record, const ContainerConfig& config) {
  std::vector<std::string> lines = {"# Written by envtool at every start.",
                                    "lxc.uts.name = " + config.hostname,
                                    "lxc.rootfs.path = dir:" + layout.rootfs(record.name).string(),
                                    "lxc.log.file = " + layout.log(record.name).string(),
                                    "lxc.log.level = ERROR",
                                    "lxc.console.logfile = " + layout.console(record.name).string(),
                                    "lxc.tty.max = 0",
                                    "lxc.pty.max = 1024",
                                    "lxc.mount.auto = cgroup:mixed proc:mixed sys:mixed"};
  add_network(lines, record, config.gateway);
  add_networks(lines, record);
  add_confinement(lines, record, config);
  if (config.limits != LimitValues{})
    for (const ControlFile& file : limit_files(config.limits, config.cgroups, {}))
      if (std::find(config.absent_controls.begin(), config.absent_controls.end(), file.name) ==
          config.absent_controls.end())
        lines.push_back(fmt::format("lxc.{}.{} = {}", file.v1 ? "cgroup" : "cgroup2", file.name, file.value));
  add_mounts(lines, layout, record.name, config);
  for (const std::string& capability : config.options.capabilities)
    lines.push_back("lxc.cap.drop = " + capability);
  for (const auto& [key, value] : config.raw)
    for (const std::string& line : split(value, '\n')) lines.push_back(key + " = " + line);
  return join(lines, "\n") + "\n";
}

std::string veth_name(const std::string& machine) { return "envt" + sha256(machine).substr(0, 10); }

std::string device_of(const Record& record) {
  return record.device.empty() ? veth_name(record.name) : record.device;
}

}  // namespace envtool::lxc
