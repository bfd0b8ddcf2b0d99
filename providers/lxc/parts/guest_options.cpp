#include "providers/lxc/parts/guest_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"
#include "base/suggest.h"

namespace envtool::lxc {

namespace {

// linux/capability.h, without "CAP_" and in lower case, as LXC takes them.
const std::vector<std::string> known_capabilities = {"chown",
                                                     "dac_override",
                                                     "dac_read_search",
                                                     "fowner",
                                                     "fsetid",
                                                     "kill",
                                                     "setgid",
                                                     "setuid",
                                                     "setpcap",
                                                     "linux_immutable",
                                                     "net_bind_service",
                                                     "net_broadcast",
                                                     "net_admin",
                                                     "net_raw",
                                                     "ipc_lock",
                                                     "ipc_owner",
                                                     "sys_module",
                                                     "sys_rawio",
                                                     "sys_chroot",
                                                     "sys_ptrace",
                                                     "sys_pacct",
                                                     "sys_admin",
                                                     "sys_boot",
                                                     "sys_nice",
                                                     "sys_resource",
                                                     "sys_time",
                                                     "sys_tty_config",
                                                     "mknod",
                                                     "lease",
                                                     "audit_write",
                                                     "audit_control",
                                                     "setfcap",
                                                     "mac_override",
                                                     "mac_admin",
                                                     "syslog",
                                                     "wake_alarm",
                                                     "block_suspend",
                                                     "audit_read",
                                                     "perfmon",
                                                     "bpf",
                                                     "checkpoint_restore"};

void check_device(const std::string& path) {
  const bool plain =
      std::none_of(path.begin(), path.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (plain && path.size() > 5 && path.starts_with("/dev/") &&
      std::filesystem::path(path).lexically_normal().string() == path && !path.ends_with('/'))
    return;
  throw Error(ErrorKind::failed, fmt::format("option 'devices': '{}' is no plain path below '/dev'", path))
      .with_hint("name a device as the host has it, such as '/dev/fuse'");
}

void check_capability(const std::string& name) {
  if (std::find(known_capabilities.begin(), known_capabilities.end(), name) != known_capabilities.end())
    return;
  throw Error(ErrorKind::failed, fmt::format("option 'drop_capabilities': there is no capability '{}'", name))
      .with_hint(did_you_mean(name, known_capabilities));
}

}  // namespace

GuestOptions parse_guest_options(const Value& options) {
  GuestOptions parsed{.nesting = options["nesting"].as_bool(),
                      .devices = options["devices"].as_texts(),
                      .temporary = {},
                      .capabilities = options["drop_capabilities"].as_texts()};
  if (options["tmpfs"].is_integer()) parsed.temporary = options["tmpfs"].as_integer();
  for (const std::string& path : parsed.devices) check_device(path);
  for (const std::string& name : parsed.capabilities) check_capability(name);
  return parsed;
}

}  // namespace envtool::lxc
