#include "providers/lxc/parts/ids.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/error.h"
#include "base/text.h"

namespace envtool::lxc {

namespace {

// systemd's UIDS-GIDS names 1879048192 and up as unused; SSSD's default for directory accounts ends at
// 2000200000.
constexpr std::uint32_t first_block = 0x77400000;
constexpr std::uint32_t last_block = 0x7fff0000;

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

void add(IdMap& map, std::uint64_t inside, std::uint64_t outside, std::uint64_t count) {
  if (count > 0) map.push_back({inside, outside, count});
}

}  // namespace

std::vector<IdRange> parse_subordinate_ids(std::string_view text) {
  std::vector<IdRange> ranges;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> fields = split(trim(line), ':');
    if (fields.size() != 3) continue;
    const auto first = number_of(fields[1]), count = number_of(fields[2]);
    if (first && count) ranges.push_back({*first, *count});
  }
  return ranges;
}

std::uint32_t choose_id_block(const std::vector<IdRange>& taken) {
  for (std::uint32_t block = first_block; block <= last_block; block += ids_per_machine) {
    const IdRange range{block, ids_per_machine};
    if (std::none_of(taken.begin(), taken.end(), [&](const IdRange& other) { return range.overlaps(other); }))
      return block;
  }
  throw Error(ErrorKind::failed, "no block of 65536 user ids is free for another machine")
      .with_hint("look at /etc/subuid and /etc/subgid, which give ids away");
}

IdMap box_id_map(std::uint32_t block) { return {{0, block, ids_per_machine}}; }

namespace {

IdMap map_with_hole(std::uint32_t block, std::optional<std::uint32_t> own) {
  if (!own) return box_id_map(block);
  IdMap map;
  add(map, 0, block, *own);
  add(map, *own, own_id, 1);
  add(map, std::uint64_t{*own} + 1, std::uint64_t{block} + *own + 1, ids_per_machine - *own - 1);
  return map;
}

}  // namespace

IdMap GuestIds::users() const { return map_with_hole(block, own ? std::optional(own->uid) : std::nullopt); }

IdMap GuestIds::groups() const { return map_with_hole(block, own ? std::optional(own->gid) : std::nullopt); }

IdMap folder_id_map(std::uint32_t block, std::uint32_t host_id, std::uint32_t guest_id) {
  IdMap map;
  if (block == 0 && host_id == guest_id) return {{0, 0, 0xffffffff}};
  if (block == 0 && host_id < ids_per_machine) {
    // Both ids lie in the guest's own range: they change places.
    const std::uint64_t low = std::min(host_id, guest_id), high = std::max(host_id, guest_id);
    add(map, 0, 0, low);
    add(map, low, high, 1);
    add(map, low + 1, low + 1, high - low - 1);
    add(map, high, low, 1);
    add(map, high + 1, high + 1, ids_per_machine - high - 1);
    return map;
  }
  add(map, block, block, guest_id);
  add(map, host_id, std::uint64_t{block} + guest_id, 1);
  add(map, std::uint64_t{block} + guest_id + 1, std::uint64_t{block} + guest_id + 1,
      ids_per_machine - guest_id - 1);
  return map;
}

std::string id_map_text(const IdMap& map) {
  std::string text;
  for (const IdMapLine& line : map) text += fmt::format("{} {} {}\n", line.inside, line.outside, line.count);
  return text;
}

}  // namespace envtool::lxc
