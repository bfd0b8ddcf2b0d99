#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "boxes/byte_source.h"
#include "core/rootfs.h"

namespace envtool {

/// "rootfs.tar", "rootfs.tar.gz"...: what a box for LXC has its root file system in.
bool is_rootfs_name(std::string_view name);

/// What the store keeps of a root file system that a provider has taken.
struct RootfsRecord {
  std::string archive;      ///< its name in the box
  std::string digest;       ///< of the box
  std::string manifest;     ///< what the provider gave when it had all of it
  std::uint64_t bytes = 0;  ///< of its files
};

/// Written into a stored box as `.rootfs.json`.
void write_rootfs_record(const std::filesystem::path& directory, const RootfsRecord& record);
/// Nothing when the box has none. Throws Error(failed) for one that is damaged.
std::optional<RootfsRecord> read_rootfs_record(const std::filesystem::path& directory);

/// Reads the archive of a root file system, its entries below `rootfs/` or not, and gives the sink those of
/// which it is known that nothing in them leads outside: paths are plain, none is there twice, none lies
/// below a link, hard links are to files that came before, and devices are those that are harmless everywhere
/// (what else is below `dev` is left out: guests get their own). Extended attributes that mean something to
/// this host are left out. Throws Error(failed) naming the entry. Gives the number of bytes in its files,
/// holes too.
std::uint64_t relay_rootfs(ByteSource& archive, RootfsSink& sink, Operation& operation);

}  // namespace envtool
