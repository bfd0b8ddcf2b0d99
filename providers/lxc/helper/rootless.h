#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/value.h"
#include "providers/lxc/parts/layout.h"

/// A helper that an ordinary user started: no root of the host's is needed, only what newuidmap, newgidmap
/// and lxc-user-nic do for the user.
namespace envtool::lxc {

/// What a helper in a namespace of its own has outside of it.
struct Outside {
  int channel = -1;            ///< to the process that stayed there; open as long as this process lives
  std::uint32_t first_id = 0;  ///< the host's number of the guests' root, in a new namespace
};

/// Makes this process root over the user's subordinate ids, with the user as `own_id`: in the namespace of
/// the request's machine, if it runs; else in a new one, by a child. Then the caller's process stays outside,
/// does there what only the user can, ends with the child's status, and never returns. Throws
/// Error(host_not_ready) when the host does not lend what is needed.
Outside enter_own_namespace(const Layout& layout, const Value& request);

/// Makes control groups for the machine alone, one in each hierarchy of which a part is delegated to the
/// user. Throws Error(host_not_ready) when that is not enough for a guest.
std::vector<std::filesystem::path> make_own_groups(const std::string& user, const std::string& machine);

/// Gives this process a network namespace with the devices `eth0` and on, one on each of these bridges, and
/// returns the names of their other ends. Throws Error(host_not_ready) with the reason of lxc-user-nic.
std::vector<std::string> enter_own_network(const Outside& outside, const std::vector<std::string>& bridges);

}  // namespace envtool::lxc
