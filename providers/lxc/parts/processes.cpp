#include "providers/lxc/parts/processes.h"

#include <signal.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// A file of the kernel's; nothing when what it tells of is gone, be it while it is read (ENODEV, ESRCH).
std::optional<std::string> read_live(const fs::path& path) {
  try {
    return read_file_if_there(path);
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::vector<pid_t> pids_in(const fs::path& directory) {
  std::vector<pid_t> pids;
  const std::string text = read_live(directory / "cgroup.procs").value_or("");
  for (const std::string& line : split(text, '\n')) {
    pid_t pid = 0;
    if (std::from_chars(line.data(), line.data() + line.size(), pid).ec == std::errc() && pid > 0)
      pids.push_back(pid);
  }
  return pids;
}

void collect(const fs::path& directory, std::vector<pid_t>& pids) {
  const std::vector<pid_t> own = pids_in(directory);
  pids.insert(pids.end(), own.begin(), own.end());
  std::error_code code;
  for (fs::directory_iterator entry(directory, code), end; !code && entry != end; entry.increment(code))
    if (std::error_code ignored; entry->is_directory(ignored)) collect(entry->path(), pids);
}

bool is_successor(std::string_view name, std::string_view group) {
  if (!name.starts_with(group)) return false;
  const std::string_view number = name.substr(group.size());
  return number.size() >= 2 && number.size() <= 4 && number[0] == '-' &&
         number.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

/// What liblxc calls the new group of a guest that restarts itself while a process that only enters it is
/// still in the old one: its name with "-1" and so on, which no machine's own name ends in.
std::vector<std::string> successors(const fs::path& mount, const std::string& group) {
  std::vector<std::string> names;
  std::error_code code;
  for (fs::directory_iterator entry(mount, code), end; !code && entry != end; entry.increment(code))
    if (std::string name = entry->path().filename(); is_successor(name, group))
      names.push_back(std::move(name));
  return names;
}

}  // namespace

Cgroups Cgroups::of_host() { return Cgroups(read_file("/proc/mounts")); }

Cgroups Cgroups::of_machine(const Layout& layout, const std::string& name) {
  const std::optional<std::string> text = read_file_if_there(layout.cgroups(name));
  if (!text) return of_host();
  std::vector<fs::path> own;
  for (const std::string& line : split(*text, '\n'))
    if (!line.empty()) own.emplace_back(line);
  return Cgroups(own);
}

Cgroups::Cgroups(const std::vector<fs::path>& own) : own_(own) {
  // At each restart of the guest liblxc goes one level down, from where its monitor has stepped aside.
  std::error_code code;
  for (const fs::path& place : own)
    for (fs::path level = place; fs::exists(level, code); level /= "lxc.pivot") mounts_.push_back(level);
}

Cgroups::Cgroups(std::string_view mounts) {
  for (const std::string& line : split(mounts, '\n')) {
    const std::vector<std::string> fields = split(line, ' ');
    if (fields.size() < 4 || (fields[2] != "cgroup" && fields[2] != "cgroup2")) continue;
    // `cgroup.events` of version 2 answers for a whole tree at once.
    const bool unified = fields[2] == "cgroup2";
    mounts_.insert(unified ? mounts_.begin() : mounts_.end(), fs::path(fields[1]));
    unified_first_ |= unified;
  }
}

bool Cgroups::is_populated(const std::string& group) const {
  if (mounts_.empty()) return false;
  if (unified_first_) {
    const auto events = read_live(mounts_[0] / group / "cgroup.events");
    if (events) return events->find("populated 1") != std::string::npos;
  }
  return !processes_in(group).empty();
}

std::string Cgroups::payload_group(const std::string& name) const {
  const std::string group = "lxc.payload." + name;
  if (mounts_.empty()) return group;
  for (const std::string& successor : successors(mounts_[0], group))  // the same in every hierarchy
    if (is_populated(successor)) return successor;
  return group;
}

std::vector<pid_t> Cgroups::processes_in(const std::string& group) const {
  for (const fs::path& mount : mounts_) {
    std::vector<pid_t> pids;
    collect(mount / group, pids);
    if (!pids.empty()) return pids;
  }
  return {};
}

bool Cgroups::is_running(const std::string& name) const { return is_populated(payload_group(name)); }

bool Cgroups::is_frozen(const std::string& name) const {
  if (const auto state = read_control(name, "freezer.state")) return trim(*state) == "FROZEN";
  const auto events = read_control(name, "cgroup.events");
  return events && events->find("frozen 1") != std::string::npos;
}

std::optional<pid_t> Cgroups::monitor(const std::string& name) const {
  const std::vector<pid_t> pids = monitor_group(name);
  return pids.empty() ? std::nullopt : std::optional(*std::min_element(pids.begin(), pids.end()));
}

std::vector<pid_t> Cgroups::monitor_group(const std::string& name) const {
  for (const fs::path& mount : mounts_)
    if (std::vector<pid_t> pids = pids_in(mount / ("lxc.monitor." + name)); !pids.empty()) return pids;
  return {};
}

std::vector<pid_t> Cgroups::payload(const std::string& name) const {
  return processes_in(payload_group(name));
}

std::optional<pid_t> Cgroups::init(const std::string& name) const {
  for (const pid_t pid : payload(name)) {
    const std::string status = read_live("/proc/" + std::to_string(pid) + "/status").value_or("");
    for (const std::string& line : split(status, '\n'))
      if (line.starts_with("NSpid:") && line.ends_with("\t1")) return pid;
  }
  return std::nullopt;
}

std::vector<fs::path> Cgroups::payload_groups(const std::string& name) const {
  const std::string group = payload_group(name);
  std::vector<fs::path> found;
  for (const fs::path& mount : mounts_)
    if (std::error_code code; fs::is_directory(mount / group, code)) found.push_back(mount / group);
  return found;
}

std::vector<fs::path> Cgroups::directories(const std::string& name) const {
  std::vector<fs::path> found;
  for (const fs::path& own : own_)
    if (std::error_code code; fs::is_directory(own, code)) found.push_back(own);
  for (const fs::path& mount : mounts_)
    for (const char* part : {"lxc.payload.", "lxc.monitor."}) {
      if (std::error_code code; fs::is_directory(mount / (part + name), code))
        found.push_back(mount / (part + name));
      for (const std::string& successor : successors(mount, part + name)) found.push_back(mount / successor);
    }
  return found;
}

std::optional<fs::path> Cgroups::control(const std::string& name, const std::string& file) const {
  const std::string group = payload_group(name);
  for (const fs::path& mount : mounts_) {
    const fs::path path = mount / group / file;
    if (std::error_code code; fs::exists(path, code)) return path;
  }
  return std::nullopt;
}

std::optional<std::string> Cgroups::read_control(const std::string& name, const std::string& file) const {
  const auto path = control(name, file);
  return path ? read_live(*path) : std::nullopt;
}

std::string Cgroups::all_cpus(const std::string& name) const {
  const auto own = control(name, "cpuset.cpus");
  if (!own) return {};
  const fs::path above = own->parent_path().parent_path();
  std::string cpus;
  for (const char* file : {"cpuset.effective_cpus", "cpuset.cpus.effective"})
    if (cpus.empty()) cpus = read_live(above / file).value_or("");
  return std::string(trim(cpus));
}

int halt_signal(std::string_view status) {
  std::uint64_t blocked = 0, caught = 0;
  for (const std::string& line : split(status, '\n'))
    for (const auto& [name, mask] : {std::pair("SigBlk:\t", &blocked), std::pair("SigCgt:\t", &caught)})
      if (line.starts_with(name)) std::from_chars(line.data() + 8, line.data() + line.size(), *mask, 16);
  const auto bit = [](int number) { return std::uint64_t{1} << (number - 1); };
  // As liblxc tells systemd: it reads its signals from a descriptor.
  if (const int halt = SIGRTMIN + 3; (blocked & bit(halt)) != 0) return halt;
  for (const int number : {SIGPWR, SIGTERM})
    if (((blocked | caught) & bit(number)) != 0) return number;
  return 0;
}

}  // namespace envtool::lxc
