#pragma once

#include <vector>

#include "core/provider.h"
#include "providers/libvirt/iso.h"

namespace envtool::libvirt {

/// The volume id by which cloud-init's NoCloud source finds its disk.
inline constexpr const char* seed_volume_id = "CIDATA";

/// What a guest reads at its first boot: user, key, host key, host name. `meta-data` and `user-data` are for
/// cloud-init (docs.cloud-init.io, NoCloud); the plain files below `envtool/` for boxes of our own recipes.
std::vector<IsoFile> seed_files(const MachineSpec& spec);

}  // namespace envtool::libvirt
