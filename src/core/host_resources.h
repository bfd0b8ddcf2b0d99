#pragma once

#include "base/size.h"

namespace envtool {

/// What this host has for machines to share.
struct HostResources {
  int cpus = 1;  ///< online
  ByteSize memory;
};
HostResources host_resources();

}  // namespace envtool
