#include "providers/lxc/parts/guest_options.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/suggest.h"
#include "providers/lxc/parts/limits.h"

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

std::vector<Diagnostic> device_problems(const Value& path) {
  const std::string& text = path.as_text();
  const bool plain =
      std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32; });
  if (plain && text.size() > 5 && text.starts_with("/dev/") &&
      std::filesystem::path(text).lexically_normal().string() == text && !text.ends_with('/'))
    return {};
  return {{fmt::format("option 'devices': '{}' is no plain path below '/dev'", text), path.position,
           "name a device as the host has it, such as '/dev/fuse'"}};
}

std::vector<Diagnostic> capability_problems(const Value& name) {
  const std::string& text = name.as_text();
  if (std::find(known_capabilities.begin(), known_capabilities.end(), text) != known_capabilities.end())
    return {};
  return {{fmt::format("option 'drop_capabilities': there is no capability '{}'", text), name.position,
           did_you_mean(text, known_capabilities)}};
}

std::vector<Diagnostic> cpu_set_problems(const Value& set) {
  if (set.is_null() || is_cpu_set(set.as_text())) return {};
  return {{fmt::format("option 'cpu_set': '{}' is no set of CPUs", set.as_text()), set.position,
           "numbers and ranges, such as '0-1' or '0,2'"}};
}

}  // namespace

std::vector<Diagnostic> guest_option_problems(const Value& options) {
  std::vector<Diagnostic> found;
  const auto look_at = [&](const Value& texts, std::vector<Diagnostic> (*problems)(const Value&)) {
    for (const Value& text : texts.items())
      for (Diagnostic& problem : problems(text)) found.push_back(std::move(problem));
  };
  look_at(options["devices"], device_problems);
  look_at(options["drop_capabilities"], capability_problems);
  for (Diagnostic& problem : cpu_set_problems(options["cpu_set"])) found.push_back(std::move(problem));
  return found;
}

GuestOptions parse_guest_options(const Value& options) {
  if (auto problems = guest_option_problems(options); !problems.empty())
    throw Error(ErrorKind::failed, std::move(problems));
  GuestOptions parsed{.nesting = options["nesting"].as_bool(),
                      .devices = options["devices"].as_texts(),
                      .temporary = {},
                      .capabilities = options["drop_capabilities"].as_texts()};
  if (options["tmpfs"].is_integer()) parsed.temporary = options["tmpfs"].as_integer();
  return parsed;
}

}  // namespace envtool::lxc
