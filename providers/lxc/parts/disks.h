#pragma once

#include <string>
#include <vector>

#include "base/value.h"
#include "providers/lxc/parts/layout.h"

namespace envtool::lxc {

/// A disk beside the root disk: a directory of the host's that the guest has at `mount`.
struct MachineDisk {
  std::string name;
  std::string mount;
  bool keep = false;  ///< it outlives the machine
  bool operator==(const MachineDisk&) const = default;
};

/// 1 to 32 lower-case letters, digits and '-'; a letter or digit first.
bool is_disk_name(const std::string& name);

/// A request's `disks`. Throws Error(failed) for a name or a place that cannot be.
std::vector<MachineDisk> parse_disks(const Value& list);

/// Names of the disks that outlive that machine, there or not, sorted.
std::vector<std::string> kept_disks(const Layout& layout, const std::string& machine);

}  // namespace envtool::lxc
