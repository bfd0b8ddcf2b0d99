#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "providers/lxc/parts/limits.h"

namespace envtool::lxc {

/// What a machine has taken since its start, as far as its cgroup and its network devices tell.
struct UsageValues {
  std::optional<std::int64_t> cpu_nanoseconds;
  std::optional<std::int64_t> memory;
  std::optional<std::int64_t> disk_read, disk_written;
  std::optional<std::int64_t> received, sent;
  std::optional<std::int64_t> processes;
  bool operator==(const UsageValues&) const = default;
};

/// Of control files of either version; bytes of all block devices together. Network is left out.
UsageValues usage_in(const ControlReader& read);

/// Sets bytes received and sent from the text of /proc/<init>/net/dev; the loopback does not count.
void add_network(UsageValues& usage, std::string_view net_dev);

}  // namespace envtool::lxc
