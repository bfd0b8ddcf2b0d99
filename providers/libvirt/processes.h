#pragma once

#include <string>

#include "base/files.h"

namespace envtool::libvirt {

/// A pidfd of the host's QEMU process of the domain with that UUID; invalid when it has none here. Needs no
/// privilege.
UniqueFd process_of(const std::string& uuid);

}  // namespace envtool::libvirt
