#include "providers/lxc/user_needs.h"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/parts/rootless.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr const char* usernet_file = "/etc/lxc/lxc-usernet";
constexpr const char* settings_path = "/etc/sysctl.d/60-envtool.conf";
constexpr const char* usual_bridge = "lxcbr0";
constexpr int wanted_instances = 1024;

std::vector<std::string> groups_of(const passwd& user) {
  std::vector<gid_t> ids(256);
  int count = static_cast<int>(ids.size());
  std::vector<std::string> names;
  if (::getgrouplist(user.pw_name, user.pw_gid, ids.data(), &count) < 0) return names;
  for (int index = 0; index < count; ++index)
    if (const group* found = ::getgrgid(ids[static_cast<std::size_t>(index)]))
      names.emplace_back(found->gr_name);
  return names;
}

std::string setting(const std::string& name) {
  return std::string(trim(read_file_if_there("/proc/sys/" + replace_all(name, ".", "/")).value_or("")));
}

std::vector<Setting> forbidding_settings() {
  std::vector<Setting> found;
  for (const auto& [name, bad, wanted] :
       {std::tuple{"kernel.unprivileged_userns_clone", "0", "1"},
        std::tuple{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"},
        std::tuple{"user.max_user_namespaces", "0", "15000"}})
    if (setting(name) == bad) found.push_back({name, bad, wanted});
  return found;
}

std::vector<std::string> missing_programs() {
  std::vector<std::string> missing;
  for (const auto& [name, places] :
       {std::pair<const char*, std::vector<std::string>>{"newuidmap", {"/usr/bin", "/bin"}},
        {"newgidmap", {"/usr/bin", "/bin"}},
        {"lxc-user-nic",
         {"/usr/libexec/lxc", "/usr/lib/x86_64-linux-gnu/lxc", "/usr/lib/aarch64-linux-gnu/lxc",
          "/usr/lib/lxc"}}})
    if (std::none_of(places.begin(), places.end(), [name = name](const std::string& place) {
          return ::access((place + "/" + name).c_str(), X_OK) == 0;
        }))
      missing.emplace_back(name);
  return missing;
}

RootCommand append(const std::string& path, const std::string& line, const std::string& present) {
  const bool torn = !present.empty() && !present.ends_with('\n');
  return {{"tee", "--append", path}, (torn ? "\n" : "") + line + "\n"};
}

void add_settings(std::vector<RootCommand>& commands, const UserNeeds& needs,
                  const std::vector<Setting>& settings) {
  for (const Setting& one : settings) {
    const std::string line = one.name + " = " + one.wanted;
    if (needs.settings_file.find(line + "\n") == std::string::npos)
      commands.push_back(append(settings_path, line, needs.settings_file));
  }
  commands.push_back({{"sysctl", "--quiet", std::string("--load=") + settings_path}});
}

HostCheck programs_check(const UserNeeds& needs) {
  return {.name = "without root: newuidmap, newgidmap, lxc-user-nic",
          .ok = needs.missing_programs.empty(),
          .found =
              needs.missing_programs.empty() ? "all there" : "missing: " + join(needs.missing_programs, ", "),
          .fix = {{{"apt-get", "install", "--yes", "uidmap", "lxc"}}}};
}

HostCheck ids_check(const UserNeeds& needs) {
  const std::string range = fmt::format("{}-{}", needs.free_ids, needs.free_ids + ids_per_machine - 1);
  return {.name = "without root: 65536 subordinate user and group ids",
          .ok = needs.has_ids,
          .found = needs.has_ids
                       ? "yes"
                       : fmt::format("/etc/subuid and /etc/subgid do not both give them to '{}'", needs.user),
          .fix = {{{"usermod", "--add-subuids", range, "--add-subgids", range, needs.user}}}};
}

HostCheck permission_check(const UserNeeds& needs) {
  HostCheck check{
      .name = "without root: a bridge in /etc/lxc/lxc-usernet",
      .ok = !needs.bridges.empty(),
      .found = needs.bridges.empty() ? fmt::format("none for '{}'", needs.user) : join(needs.bridges, ", ")};
  if (needs.usernet)
    check.fix.push_back({{"cp", "--archive", usernet_file, std::string(usernet_file) + ".before-envtool"}});
  else
    check.fix.push_back({{"mkdir", "--parents", "/etc/lxc"}});
  check.fix.push_back(append(usernet_file, fmt::format("{} veth {} 100", needs.user, usual_bridge),
                             needs.usernet.value_or("")));
  return check;
}

HostCheck bridge_check(const UserNeeds& needs) {
  const std::string wanted = needs.bridges.empty() ? usual_bridge : needs.bridges.front();
  HostCheck check{.name = "without root: that bridge, with an address",
                  .ok = !needs.present_bridge.empty(),
                  .found = needs.present_bridge.empty() ? fmt::format("'{}' is not there", wanted)
                                                        : needs.present_bridge};
  if (wanted == usual_bridge && needs.has_systemd)
    check.fix = {{{"systemctl", "enable", "--now", "lxc-net"}}};
  else if (wanted == usual_bridge)
    check.fix = {{{"/usr/libexec/lxc/lxc-net", "start"}}};
  else
    check.remedy = fmt::format("make the bridge '{}', with an address, NAT and a name server", wanted);
  return check;
}

HostCheck namespaces_check(const UserNeeds& needs) {
  HostCheck check{.name = "without root: user namespaces",
                  .ok = needs.namespaces.empty(),
                  .found = needs.namespaces.empty() ? "allowed" : "forbidden:"};
  for (const Setting& one : needs.namespaces) check.found += fmt::format(" {} = {}", one.name, one.found);
  add_settings(check.fix, needs, needs.namespaces);
  return check;
}

HostCheck inotify_check(const UserNeeds& needs) {
  HostCheck check{.name = "inotify instances; a guest's systemd takes 8",
                  .ok = !needs.inotify,
                  .required = false,
                  .found = needs.inotify
                               ? fmt::format("{} for a user's machines together", needs.inotify->found)
                               : "enough"};
  if (needs.inotify) add_settings(check.fix, needs, {*needs.inotify});
  return check;
}

/// A scope of the user's systemd ends with it, and so does each guest in one.
HostCheck lingering_check(const UserNeeds& needs) {
  return {.name = "without root: machines run on when you log out",
          .ok = needs.lingers,
          .required = false,
          .found = needs.lingers ? "yes" : fmt::format("they end with the last session of '{}'", needs.user),
          .fix = {{{"loginctl", "enable-linger", needs.user}}}};
}

HostCheck cgroups_check(const UserNeeds& needs) {
  HostCheck check{.name = "without root: a delegated control group",
                  .ok = needs.has_cgroups,
                  .found = needs.has_cgroups ? "yes" : "none: a guest's systemd would end at once"};
  if (needs.has_systemd)
    check.fix = {{{"loginctl", "enable-linger", needs.user}}};
  else if (needs.has_cgroup2_only)
    check.remedy = fmt::format("start a session of '{}' in a control group that is the user's", needs.user);
  else
    check.fix = {
        {{"sh", "-ec",
          "for top in /sys/fs/cgroup /sys/fs/cgroup/*; do\n"
          "  [ -w $top/cgroup.procs ] || continue\n"
          "  mkdir -p $top/user/$1\n"
          "  for file in cpuset.cpus cpuset.mems; do\n"
          "    [ -e $top/$file ] || continue\n"
          "    for group in user user/$1; do cat $top/$file >$top/$group/$file; done\n"
          "  done\n"
          "  chown $1: $top/user/$1 $top/user/$1/cgroup.procs $top/user/$1/tasks 2>/dev/null || true\n"
          "done",
          "sh", needs.user}}};
  return check;
}

}  // namespace

std::string user_runtime_directory(const Host& host) {
  const std::string given = host.variable("XDG_RUNTIME_DIR");
  return given.empty() ? fmt::format("/run/user/{}", ::getuid()) : given;
}

bool has_user_manager(const std::string& runtime_directory) {
  return ::access((runtime_directory + "/systemd/private").c_str(), W_OK) == 0;
}

UserNeeds user_needs(const Host& host) {
  UserNeeds needs;
  needs.id = ::getuid();
  const passwd* user = ::getpwuid(needs.id);
  if (user == nullptr) return needs;
  needs.user = user->pw_name;
  needs.missing_programs = missing_programs();
  const std::string uids = read_file_if_there("/etc/subuid").value_or("");
  const std::string gids = read_file_if_there("/etc/subgid").value_or("");
  needs.has_ids =
      subordinate_block(uids, needs.user, needs.id) && subordinate_block(gids, needs.user, needs.id);
  needs.free_ids = 100000;
  for (const std::string& text : {uids, gids})
    for (const IdRange& range : parse_subordinate_ids(text))
      needs.free_ids = std::max(needs.free_ids, range.first + range.count);
  needs.usernet = read_file_if_there(usernet_file);
  needs.bridges = allowed_bridges(needs.usernet.value_or(""), needs.user, groups_of(*user));
  const std::vector<std::string> usual = {usual_bridge};
  for (const std::string& bridge : needs.bridges.empty() ? usual : needs.bridges)
    if (needs.present_bridge.empty() && fs::exists("/sys/class/net/" + bridge + "/bridge"))
      needs.present_bridge = bridge;
  needs.namespaces = forbidding_settings();
  const std::string instances = setting("fs.inotify.max_user_instances");
  int number = wanted_instances;
  std::from_chars(instances.data(), instances.data() + instances.size(), number);
  if (number < wanted_instances)
    needs.inotify = {"fs.inotify.max_user_instances", instances, std::to_string(wanted_instances)};
  needs.settings_file = read_file_if_there(settings_path).value_or("");
  needs.has_cgroups =
      has_user_manager(user_runtime_directory(host)) || delegated_cgroups(needs.user).suffices;
  needs.has_cgroup2_only = fs::exists("/sys/fs/cgroup/cgroup.controllers");
  needs.has_systemd = fs::exists("/run/systemd/system");
  needs.lingers = fs::exists("/var/lib/systemd/linger/" + needs.user);
  return needs;
}

std::vector<HostCheck> user_checks(const UserNeeds& needs) {
  std::vector<HostCheck> checks = {programs_check(needs), ids_check(needs),        permission_check(needs),
                                   bridge_check(needs),   namespaces_check(needs), cgroups_check(needs),
                                   inotify_check(needs)};
  if (needs.has_systemd) checks.push_back(lingering_check(needs));
  return checks;
}

bool are_met(const std::vector<HostCheck>& checks) {
  return std::none_of(checks.begin(), checks.end(),
                      [](const HostCheck& check) { return check.required && !check.ok; });
}

}  // namespace envtool::lxc
