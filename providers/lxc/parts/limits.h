#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// What a machine may take, and has taken, as the control files of its cgroup say it.
namespace envtool::lxc {

/// Which cgroup version holds a controller; liblxc refuses to start on a key of a version that does not.
struct CgroupLayout {
  bool memory_v1 = false;
  bool cpu_v1 = false;
  bool devices_v1 = false;
  bool cpuset_v1 = false;
};
/// Read out of the text of /proc/mounts.
CgroupLayout parse_cgroup_layout(std::string_view mounts);

/// An empty field is no limit.
struct LimitValues {
  std::optional<std::int64_t> cpus, memory;
  std::string cpu_set = {};  ///< "0-1,4"
  bool operator==(const LimitValues&) const = default;
};

struct ControlFile {
  std::string name;  ///< "memory.max"
  std::string value;
  bool v1 = false;
};
/// The limits as control files of the version at hand. An empty limit is the file's "no limit"; for a set of
/// CPUs that is `all_cpus` in version 1, which has no such word.
std::vector<ControlFile> limit_files(const LimitValues& limits, const CgroupLayout& cgroups,
                                     const std::string& all_cpus);
/// Numbers and ranges of CPUs: "0", "0-3", "0,2-3".
bool is_cpu_set(const std::string& text);

/// The content of a control file of the machine's; nothing where there is no such file.
using ControlReader = std::function<std::optional<std::string>(const std::string& name)>;
/// The limits as they stand, of either version. A set of CPUs that is `all_cpus` is none. Parts of a CPU
/// count as one.
LimitValues limits_in(const ControlReader& read, const std::string& all_cpus);

}  // namespace envtool::lxc
