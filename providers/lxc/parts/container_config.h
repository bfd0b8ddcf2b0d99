#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/value.h"
#include "providers/lxc/parts/disks.h"
#include "providers/lxc/parts/guest_options.h"
#include "providers/lxc/parts/ids.h"
#include "providers/lxc/parts/layout.h"
#include "providers/lxc/parts/limits.h"
#include "providers/lxc/parts/record.h"

namespace envtool::lxc {

/// A device of the host's in the guest.
struct DeviceNode {
  std::filesystem::path source;  ///< the node that is mounted
  std::string guest;             ///< its path there
  std::string rule;              ///< for the devices controller: "c 10:229 rwm"
};

/// What a container's configuration is made of, besides its record.
struct ContainerConfig {
  std::string hostname;
  std::string gateway;
  LimitValues limits;
  std::vector<std::pair<std::size_t, std::string>>
      folders;                          ///< number of the prepared mount, path in the guest
  std::vector<MachineDisk> disks = {};  ///< mounted at their places too
  std::vector<DeviceNode> devices = {};
  GuestOptions options = {};
  std::map<std::string, std::string> raw;  ///< the option `config`
  bool apparmor = false;                   ///< this kernel enforces it
  std::string seccomp_profile;             ///< empty: none
  CgroupLayout cgroups;
  std::vector<std::string> absent_controls = {};  ///< control files that the machine's groups do not have
};

/// The text of a container's `config`.
std::string container_config_text(const Layout& layout, const Record& record, const ContainerConfig& config);

/// The host's end of the machine's network device: the same at every start, so that a leftover can be found.
std::string veth_name(const std::string& machine);
/// The same of a machine that may run without root, where lxc-user-nic chose it.
std::string device_of(const Record& record);

}  // namespace envtool::lxc
