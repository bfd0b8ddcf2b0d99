#pragma once

#include "core/provider.h"

namespace envtool::lxc {

/// What `create` and `start` of the helper are told of a machine. Identity and box count at create only.
Value machine_request(const MachineSpec& spec);
void add_identity(Value& request, const GuestIdentity& identity);

/// The file that holds a box's root file system (`rootfs.tar`, `.gz`, `.xz`, ...).
/// Throws Error(failed) when the box has none.
std::filesystem::path rootfs_archive(const Box& box);

}  // namespace envtool::lxc
