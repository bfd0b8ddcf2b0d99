#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/value.h"
#include "providers/lxc/parts/ids.h"
#include "providers/lxc/parts/layout.h"
#include "providers/lxc/parts/record.h"

namespace envtool::lxc {

/// Which cgroup version holds a controller; liblxc refuses to start on a key of a version that does not.
struct CgroupLayout {
  bool memory_v1 = false;
  bool cpu_v1 = false;
  bool devices_v1 = false;
};
/// Read out of the text of /proc/mounts.
CgroupLayout parse_cgroup_layout(std::string_view mounts);

/// Limits as control files of the version at hand. An empty limit is the file's "no limit".
struct ControlFile {
  std::string name;  ///< "memory.max"
  std::string value;
  bool v1 = false;
};
std::vector<ControlFile> limit_files(std::optional<std::int64_t> cpus, std::optional<std::int64_t> memory,
                                     const CgroupLayout& cgroups);

/// What a container's configuration is made of, besides its record.
struct ContainerConfig {
  std::string hostname;
  std::string gateway;
  std::optional<std::int64_t> cpus, memory;
  std::vector<std::pair<std::size_t, std::string>>
      folders;                             ///< number of the prepared mount, path in the guest
  std::map<std::string, std::string> raw;  ///< the option `config`
  bool apparmor = false;                   ///< this kernel enforces it
  std::string seccomp_profile;             ///< empty: none
  CgroupLayout cgroups;
};

/// The text of a container's `config`.
std::string container_config_text(const Layout& layout, const Record& record, const ContainerConfig& config);

/// The host's end of the machine's network device: the same at every start, so that a leftover can be found.
std::string veth_name(const std::string& machine);

/// The option `config` as pairs of keys and values. Throws Error(failed) for a key that is no LXC key, or
/// that envtool sets itself.
std::map<std::string, std::string> raw_config_of(const Value& option);

}  // namespace envtool::lxc
