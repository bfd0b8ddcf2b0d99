#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/guest_files.h"

/// What a machine has around it: root's bridge, or one that is lent to the user, with control groups.
namespace envtool::lxc {

/// Takes an address and a block of ids for the machine, and writes it down before anything else of it is
/// made.
Record reserve(Context& context, Storage storage, const Account& user);

struct Surroundings {
  std::string gateway, resolv_conf;
  std::vector<std::filesystem::path> groups;  ///< without root: in which it is to start
};

/// For a process that will start the machine. With root: makes the bridge if it is not there. Without: makes
/// the machine's control groups, and gives this process a network with the machine's device in it. May change
/// the machine's address in its record. Throws Error(host_not_ready).
Surroundings join_surroundings(Context& context, Record& record);

}  // namespace envtool::lxc
