#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/capabilities.h"
#include "core/host.h"
#include "providers/lxc/parts/ids.h"

/// What this host must lend a user for machines without root.
namespace envtool::lxc {

/// $XDG_RUNTIME_DIR, else where systemd makes it.
std::string user_runtime_directory(const Host& host);
/// Whether the user's own systemd runs there.
bool has_user_manager(const std::string& runtime_directory);

/// A kernel setting that is not as machines need it.
struct Setting {
  std::string name;  ///< "kernel.unprivileged_userns_clone"
  std::string found;
  std::string wanted;
  bool operator==(const Setting&) const = default;
};

/// The host as it is.
struct UserNeeds {
  std::string user;
  unsigned id = 0;
  std::vector<std::string> missing_programs;  ///< of newuidmap, newgidmap, lxc-user-nic
  bool has_ids = false;                       ///< in subuid and subgid
  std::uint64_t free_ids = 0;                 ///< first of a block that no line gives away
  std::vector<std::string> bridges;           ///< that lxc-usernet names for the user
  std::optional<std::string> usernet;         ///< the whole file, if it is there
  std::string present_bridge;                 ///< the first of them, or the usual one, that is there
  std::vector<Setting> namespaces;            ///< settings that forbid user namespaces
  std::optional<Setting> inotify;
  std::string settings_file;  ///< what /etc/sysctl.d/60-envtool.conf holds
  bool has_cgroups = false;
  bool lingers = false;  ///< the user's systemd stays when the last session ends
  bool has_systemd = false;
  bool has_cgroup2_only = false;
};

UserNeeds user_needs(const Host& host);

/// One check for each need, in the order in which they are best mended.
std::vector<HostCheck> user_checks(const UserNeeds& needs);
/// Whether everything required is there.
bool are_met(const std::vector<HostCheck>& checks);

}  // namespace envtool::lxc
