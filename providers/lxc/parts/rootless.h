#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/lxc/parts/ids.h"

/// What the host lends an ordinary user who runs machines without root.
namespace envtool::lxc {

/// The first range of a file like /etc/subuid with `ids_per_machine` ids for the user, by name or by id.
std::optional<IdRange> subordinate_block(std::string_view text, const std::string& user, unsigned id);

/// Bridges on which a file like /etc/lxc/lxc-usernet lets the user, or one of his groups, put devices
/// (lxc-usernet(5)), in its order.
std::vector<std::string> allowed_bridges(std::string_view text, const std::string& user,
                                         const std::vector<std::string>& groups);

/// Where a process is in one hierarchy of cgroups.
struct CgroupPlace {
  std::filesystem::path mount;
  std::filesystem::path directory;
  bool unified = false;     ///< version 2
  bool of_systemd = false;  ///< version 1's hierarchy without a controller, in which systemd keeps its units
};
/// Of a text like /proc/self/cgroup and one like /proc/mounts; version 2 comes first.
std::vector<CgroupPlace> cgroup_places(std::string_view cgroups, std::string_view mounts);

/// Directories in which this process's user may make cgroups: where it is, or, in hierarchies of version 1,
/// what was made for the user at `user/NAME` or `NAME`.
struct Delegation {
  std::vector<CgroupPlace> places;
  /// Whether a guest's systemd can work there: it ends without a word where it cannot make its own group.
  bool suffices = false;
};
Delegation delegated_cgroups(const std::string& user);

}  // namespace envtool::lxc
