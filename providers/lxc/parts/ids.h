#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// Blocks of user and group ids, and the maps that shift files between them.
namespace envtool::lxc {

struct IdRange {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  bool overlaps(const IdRange& other) const {
    return first < other.first + other.count && other.first < first + count;
  }
  bool operator==(const IdRange&) const = default;
};

inline constexpr std::uint32_t ids_per_machine = 65536;

/// The ranges of a file like /etc/subuid; lines that say nothing are skipped.
std::vector<IdRange> parse_subordinate_ids(std::string_view text);

/// The first free block of `ids_per_machine` above what login systems use for accounts.
/// Throws Error(failed) when all are taken.
std::uint32_t choose_id_block(const std::vector<IdRange>& taken);

/// One line of /proc/PID/uid_map.
struct IdMapLine {
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  bool operator==(const IdMapLine&) const = default;
};
using IdMap = std::vector<IdMapLine>;

/// Files of a box, owned by 0, 1, ..., appear as the block's.
IdMap box_id_map(std::uint32_t block);

/// For a shared folder: what the host's user owns appears as owned by the guest's `user`, and the other way
/// round; what the guest's other users write there keeps the ids of their block. `block` 0 means a privileged
/// guest.
IdMap folder_id_map(std::uint32_t block, std::uint32_t host_id, std::uint32_t guest_id);

/// As /proc/PID/uid_map takes it.
std::string id_map_text(const IdMap& map);

}  // namespace envtool::lxc
