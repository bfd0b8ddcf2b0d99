#include "providers/lxc/parts/raw_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/suggest.h"
#include "base/text.h"

namespace envtool::lxc {

namespace {

// lxc.container.conf(5), without what envtool sets itself.
const std::vector<std::string> known_keys = {"lxc.apparmor.allow_incomplete",
                                             "lxc.apparmor.allow_nesting",
                                             "lxc.apparmor.profile",
                                             "lxc.apparmor.raw",
                                             "lxc.arch",
                                             "lxc.autodev",
                                             "lxc.autodev.tmpfs.size",
                                             "lxc.cap.drop",
                                             "lxc.cap.keep",
                                             "lxc.environment",
                                             "lxc.execute.cmd",
                                             "lxc.hook.autodev",
                                             "lxc.hook.clone",
                                             "lxc.hook.destroy",
                                             "lxc.hook.mount",
                                             "lxc.hook.post-stop",
                                             "lxc.hook.pre-mount",
                                             "lxc.hook.pre-start",
                                             "lxc.hook.start",
                                             "lxc.hook.start-host",
                                             "lxc.hook.stop",
                                             "lxc.hook.version",
                                             "lxc.init.cmd",
                                             "lxc.init.cwd",
                                             "lxc.init.gid",
                                             "lxc.init.groups",
                                             "lxc.init.uid",
                                             "lxc.keyring.session",
                                             "lxc.monitor.signal.pdeath",
                                             "lxc.monitor.unshare",
                                             "lxc.mount.auto",
                                             "lxc.mount.entry",
                                             "lxc.mount.fstab",
                                             "lxc.namespace.clone",
                                             "lxc.namespace.keep",
                                             "lxc.no_new_privs",
                                             "lxc.pty.max",
                                             "lxc.sched.core",
                                             "lxc.seccomp.allow_nesting",
                                             "lxc.seccomp.notify.cookie",
                                             "lxc.seccomp.notify.proxy",
                                             "lxc.seccomp.profile",
                                             "lxc.selinux.context",
                                             "lxc.selinux.context.keyring",
                                             "lxc.signal.halt",
                                             "lxc.signal.reboot",
                                             "lxc.signal.stop",
                                             "lxc.start.auto",
                                             "lxc.start.delay",
                                             "lxc.start.order",
                                             "lxc.time.offset.boot",
                                             "lxc.time.offset.monotonic",
                                             "lxc.tty.dir",
                                             "lxc.tty.max"};

// What follows these is the kernel's.
const std::vector<std::string> known_families = {"lxc.cgroup", "lxc.cgroup2", "lxc.prlimit",
                                                 "lxc.proc",   "lxc.sysctl",  "lxc.namespace.share"};

bool is_in(const std::string& key, std::string_view family) {
  return key.size() > family.size() && key.starts_with(family) && key[family.size()] == '.';
}

/// "did you mean ...?" for a key that is nearly a known one.
std::string near_key(const std::string& key) {
  if (std::ranges::find(known_keys, key) != known_keys.end()) return {};
  if (std::ranges::any_of(known_families, [&](const std::string& family) { return is_in(key, family); }))
    return {};
  const std::string family = key.substr(0, key.find('.', std::string_view("lxc.").size()));
  if (const std::string meant = nearest(family, known_families); !meant.empty() && family != key)
    return fmt::format("did you mean '{}'?", meant + key.substr(family.size()));
  // A new key of LXC's is often an old one with a word more.
  constexpr std::size_t most = 2;
  const std::string meant = nearest(key, known_keys);
  const std::size_t longer = std::max(meant.size(), key.size()) - std::min(meant.size(), key.size());
  return meant.empty() || longer > most ? std::string() : fmt::format("did you mean '{}'?", meant);
}

}  // namespace

std::vector<Diagnostic> raw_config_problems(const Value& option) {
  static constexpr std::array ours = {"lxc.rootfs",    "lxc.uts.name",  "lxc.idmap",   "lxc.net",
                                      "lxc.log",       "lxc.console",   "lxc.include", "lxc.group",
                                      "lxc.ephemeral", "lxc.cgroup.dir"};
  std::vector<Diagnostic> found;
  for (const auto& [key, value] : option.members()) {
    const auto is_ours = [&key = key](std::string_view own) { return key == own || is_in(key, own); };
    if (!key.starts_with("lxc.") || key.find_first_of(" =#\n") != std::string::npos)
      found.push_back({fmt::format("option 'config': '{}' is no key of LXC's configuration", key),
                       value.position, "such keys begin with 'lxc.': see 'man lxc.container.conf'"});
    else if (std::ranges::any_of(ours, is_ours))
      found.push_back({fmt::format("option 'config': envtool sets '{}' itself", key), value.position, {}});
    else if (const std::string hint = near_key(key); !hint.empty())
      found.push_back(
          {fmt::format("option 'config': LXC's configuration has no '{}'", key), value.position, hint});
  }
  return found;
}

std::map<std::string, std::string> raw_config_of(const Value& option) {
  if (auto problems = raw_config_problems(option); !problems.empty())
    throw Error(ErrorKind::failed, std::move(problems));
  std::map<std::string, std::string> raw;
  for (const auto& [key, value] : option.members())
    raw[key] = value.is_integer() ? std::to_string(value.as_integer()) : join(value.as_texts(), "\n");
  return raw;
}

std::vector<Diagnostic> unknown_keys(const Value& option, const std::vector<std::string>& keys) {
  std::vector<Diagnostic> found;
  for (const std::string& key : keys)
    found.push_back({fmt::format("option 'config': the LXC of this host has no '{}'", key),
                     option[key].position, "'man lxc.container.conf' lists what it has"});
  return found;
}

}  // namespace envtool::lxc
