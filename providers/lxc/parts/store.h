#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace envtool::lxc {

/// A backing store of liblxc's in which a machine has a file system of its own (lxc-create(1), `--bdev`;
/// `struct bdev_specs` of lxc/lxccontainer.h).
struct Store {
  std::string type;           ///< liblxc's word: "loop", "lvm" or "zfs"
  std::string fstype = {};    ///< "ext4" or "xfs"; empty: the store is one itself
  std::string parent = {};    ///< the volume group or the dataset in which it is made
  std::string thinpool = {};  ///< of the volume group; empty: none
  std::int64_t size = 0;      ///< bytes; 0: no limit
  bool operator==(const Store&) const = default;
};

/// The types that there are.
const std::vector<std::string>& store_types();
/// Of a new machine whose Envfile says no `disk`.
inline constexpr std::int64_t default_store_size = std::int64_t{10} << 30;

/// What of the option `storage` means nothing, or names what cannot be.
std::vector<Diagnostic> store_problems(const Value& option);
/// The store that the option asks for, with the machine's `disk` (0: not said); nothing where it asks for
/// none of liblxc's. Throws Error(failed) with those problems.
std::optional<Store> parse_store(const Value& option, std::int64_t disk);

Value to_value(const Store& store);
Store store_from(const Value& value);

/// What liblxc calls the store of that machine, whose own directory that is (`lxc.rootfs.path`).
std::string store_source(const Store& store, const std::filesystem::path& own, const std::string& machine);
/// The file, device or dataset of a source.
std::string place_of(const std::string& source);

/// Commands for a store. Those that ask print something when it is there.
std::vector<std::string> ask_for_store(const Store& store, const std::string& source);
/// For what it is made in; empty where that is there anyway.
std::vector<std::string> ask_for_parent(const Store& store);
std::vector<std::string> mount_command(const Store& store, const std::string& source,
                                       const std::filesystem::path& target);
/// Gives it that size; its file system does not know yet.
std::vector<std::string> grow_command(const Store& store, const std::string& source, std::int64_t size);
/// Make its file system as large as the store; none where it is so by itself. Those of a file system that
/// grows while it is mounted (`target`) want that, all others that it is not.
std::vector<std::vector<std::string>> spread_commands(const Store& store, const std::string& source,
                                                      const std::filesystem::path& target);
bool spreads_mounted(const Store& store);

/// What a host must have for stores of a type.
struct StoreNeed {
  std::vector<std::pair<std::string, std::string>> programs;  ///< with the package of Debian's that has it
  std::string device;                                         ///< of the kernel's, which can be opened
  std::string power;                                          ///< what that stands for: "loop devices"
};
StoreNeed need_of(std::string_view type, std::string_view fstype);

}  // namespace envtool::lxc
