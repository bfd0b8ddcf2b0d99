#include "boxes/unpack_budget.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include "base/error.h"
#include "base/size.h"

namespace envtool {

namespace {

constexpr std::uint64_t most_entries = 2'000'000;
/// What may be unpacked without asking how well it was packed: files of zeros are no bomb.
constexpr std::uint64_t harmless = 1ULL << 30;
constexpr std::uint64_t best_ratio = 200;

}  // namespace

void UnpackBudget::add_entry() {
  if (++entries_ > most_entries)
    throw Error(ErrorKind::failed, fmt::format("the archive has more than {} entries", most_entries));
}

void UnpackBudget::add_bytes(std::uint64_t bytes, std::uint64_t packed) {
  bytes_ += bytes;
  if (bytes_ > harmless && bytes_ / best_ratio > packed)
    throw Error(ErrorKind::failed,
                fmt::format("the archive unpacks to more than {} times its size", best_ratio));
}

void check_room(const std::filesystem::path& directory, std::uint64_t bytes) {
  struct statvfs room {};
  if (::statvfs(directory.c_str(), &room) != 0) return;
  const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
  if (bytes <= free) return;
  throw Error(ErrorKind::failed,
              fmt::format("it needs {} in '{}', where {} is free", ByteSize{bytes}.to_string(),
                          directory.string(), ByteSize{free}.to_string()))
      .with_hint("make room there, for instance with 'envtool box prune'");
}

}  // namespace envtool
