#pragma once

#include <cstdint>
#include <optional>
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

/// The user and the group of one account.
struct IdPair {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  bool operator==(const IdPair&) const = default;
};

/// In the namespace of an ordinary user's helper, whose ids 0 to 65535 are a block of the user's subordinate
/// ones, the user himself.
inline constexpr std::uint32_t own_id = ids_per_machine;

/// Where a guest's ids lie among those that the helper sees on the disk.
struct GuestIds {
  std::uint32_t block = 0;         ///< added to each
  std::optional<IdPair> own = {};  ///< the guest's account that is `own_id` instead

  std::uint32_t uid(std::uint32_t guest) const { return own && guest == own->uid ? own_id : block + guest; }
  std::uint32_t gid(std::uint32_t guest) const { return own && guest == own->gid ? own_id : block + guest; }
  std::uint32_t guest_uid(std::uint32_t disk) const {
    return own && disk == own_id ? own->uid : disk - block;
  }
  std::uint32_t guest_gid(std::uint32_t disk) const {
    return own && disk == own_id ? own->gid : disk - block;
  }

  /// The maps of the guest's user namespace.
  IdMap users() const;
  IdMap groups() const;
};

/// For a shared folder: what the host's user owns appears as owned by the guest's `user`, and the other way
/// round; what the guest's other users write there keeps the ids of their block. `block` 0 means a privileged
/// guest.
IdMap folder_id_map(std::uint32_t block, std::uint32_t host_id, std::uint32_t guest_id);

/// As /proc/PID/uid_map takes it.
std::string id_map_text(const IdMap& map);

}  // namespace envtool::lxc
