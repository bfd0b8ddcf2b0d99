#include "core/host_resources.h"

#include <sys/sysinfo.h>
#include <unistd.h>

#include <algorithm>

namespace envtool {

HostResources host_resources() {
  HostResources resources{.cpus = static_cast<int>(std::max(1L, ::sysconf(_SC_NPROCESSORS_ONLN)))};
  struct sysinfo memory = {};
  if (::sysinfo(&memory) == 0)
    resources.memory.bytes = static_cast<std::uint64_t>(memory.totalram) * memory.mem_unit;
  return resources;
}

}  // namespace envtool
