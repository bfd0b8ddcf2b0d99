#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "boxes/archive_reader.h"
#include "boxes/rootfs.h"
#include "boxes/unpack_budget.h"

namespace envtool {

namespace {

constexpr std::string_view top_name = "rootfs";

/// null, zero, full, random, urandom, tty, console, ptmx. Source: Linux's
/// Documentation/admin-guide/devices.txt.
constexpr std::array<std::pair<unsigned, unsigned>, 8> harmless_devices = {
    {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}, {5, 1}, {5, 2}}};

/// Steers the host's overlay, or its security modules, rather than being the guest's.
bool is_of_the_host(std::string_view attribute) {
  return attribute.starts_with("trusted.overlay.") || attribute == "security.selinux" ||
         attribute == "security.apparmor" || attribute == "security.ima" || attribute == "security.evm" ||
         attribute.starts_with("system.");
}

using Attributes = decltype(TreeEntry::attributes);

Attributes guests_attributes(archive_entry* entry) {
  Attributes kept;
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
    if (name != nullptr && *name != '\0' && !is_of_the_host(name))
      kept.emplace_back(name, std::string(static_cast<const char*>(value), size));
  return kept;
}

TreeEntry::Kind kind_of(unsigned type) {
  switch (type) {
    case AE_IFDIR:
      return TreeEntry::Kind::directory;
    case AE_IFLNK:
      return TreeEntry::Kind::symlink;
    case AE_IFIFO:
      return TreeEntry::Kind::fifo;
    case AE_IFCHR:
      return TreeEntry::Kind::device;
    default:
      return TreeEntry::Kind::file;
  }
}

std::uint32_t id_of(la_int64_t number, const std::string& name) {
  constexpr la_int64_t none = 0xFFFFFFFF;  // "leave it as it is", for chown
  if (number < 0 || number >= none) refuse_entry(name, fmt::format("belongs to {}, which is no id", number));
  return static_cast<std::uint32_t>(number);
}

std::string target_of(archive_entry* entry, const std::string& name) {
  const char* target = archive_entry_symlink(entry);
  if (target == nullptr) target = archive_entry_symlink_utf8(entry);
  if (target == nullptr || *target == '\0') refuse_entry(name, "is a link without a target");
  return target;
}

class Relay {
 public:
  Relay(ByteSource& source, RootfsSink& sink, Operation& operation)
      : operation_(operation), reader_(source, operation), sink_(sink) {}

  std::uint64_t run() {
    while (archive_entry* entry = reader_.next()) {
      operation_.check_stop();
      budget_.add_entry();
      relay(entry);
    }
    return budget_.bytes();
  }

 private:
  /// The place below the root file system's top; empty for the top itself and what lies above it.
  std::string place_of(const std::string& name) {
    std::string place = entry_place(name);
    if (place.empty()) return {};
    const bool is_below = place == top_name || place.starts_with(std::string(top_name) + "/");
    if (!top_is_known_) below_top_ = is_below;
    top_is_known_ = true;
    if (!below_top_) return place;
    if (!is_below) refuse_entry(name, "lies outside of its 'rootfs'");
    return place.erase(0, top_name.size() + 1);
  }

  void relay(archive_entry* entry) {
    const std::string name = entry_name(entry);
    const std::string place = place_of(name);
    const auto type = archive_entry_hardlink(entry) != nullptr ? AE_IFREG : archive_entry_filetype(entry);
    if (place.empty()) {
      if (type != AE_IFDIR) refuse_entry(name, "takes the place of the root directory");
      return;
    }
    if (!check_kind(entry, type, name, place)) return;
    remember(name, place, type);
    if (const char* target = archive_entry_hardlink(entry)) return relay_hard_link(name, place, target);
    TreeEntry next{.kind = kind_of(type),
                   .path = place,
                   .mode = archive_entry_perm(entry) & 07777,
                   .uid = id_of(archive_entry_uid(entry), name),
                   .gid = id_of(archive_entry_gid(entry), name),
                   .modified = archive_entry_mtime(entry),
                   .nanoseconds = static_cast<std::uint32_t>(archive_entry_mtime_nsec(entry)),
                   .size = static_cast<std::uint64_t>(archive_entry_size(entry)),
                   .attributes = guests_attributes(entry)};
    if (type == AE_IFLNK) next.target = target_of(entry, name);
    if (type == AE_IFCHR) {
      next.major = static_cast<std::uint32_t>(archive_entry_rdevmajor(entry));
      next.minor = static_cast<std::uint32_t>(archive_entry_rdevminor(entry));
    }
    sink_.add(next);
    if (type == AE_IFREG) relay_content(entry, place);
  }

  /// False for what is left out.
  static bool check_kind(archive_entry* entry, unsigned type, const std::string& name,
                         const std::string& place) {
    switch (type) {
      case AE_IFREG:
      case AE_IFDIR:
      case AE_IFLNK:
      case AE_IFIFO:
        return true;
      case AE_IFSOCK:
        return false;  // it means nothing without the process that listened
      case AE_IFCHR: {
        const auto numbers =
            std::pair(unsigned(archive_entry_rdevmajor(entry)), unsigned(archive_entry_rdevminor(entry)));
        if (std::find(harmless_devices.begin(), harmless_devices.end(), numbers) != harmless_devices.end())
          return true;
        break;
      }
      case AE_IFBLK:
        break;
      default:
        refuse_entry(name, "is of a kind that is not known");
    }
    if (!place.starts_with("dev/")) refuse_entry(name, "is a device, which does not belong there");
    return false;
  }

  /// Looks at the directories above, and keeps the name. Only a directory may come again.
  void remember(const std::string& name, const std::string& place, unsigned type) {
    const auto last = place.rfind('/');
    const std::string_view parent = last == std::string::npos ? "" : std::string_view(place).substr(0, last);
    for (auto slash = parent == parent_ ? std::string::npos : last; slash != std::string::npos && slash > 0;
         slash = place.rfind('/', slash - 1)) {
      const auto [above, is_new] = kinds_.emplace(place.substr(0, slash), AE_IFDIR);
      if (above->second != AE_IFDIR) refuse_entry(name, "lies below a link or file");
      if (!is_new) break;  // and so are those above it
    }
    parent_ = parent;
    const auto [known, is_new] = kinds_.emplace(place, type);
    if (is_new) return;
    if (type != AE_IFDIR || known->second != AE_IFDIR) refuse_entry(name, "is there twice");
  }

  void relay_hard_link(const std::string& name, const std::string& place, const char* target) {
    const std::string first = place_of(target);
    const auto known = kinds_.find(first);
    if (known == kinds_.end() || known->second == AE_IFDIR)
      refuse_entry(name, fmt::format("is a hard link to '{}', which is no file before it", target));
    sink_.add({.kind = TreeEntry::Kind::hard_link, .path = place, .target = first});
  }

  void relay_content(archive_entry* entry, const std::string& place) {
    std::uint64_t end = 0;
    for (ArchiveReader::Block block; reader_.next_block(block);) {
      operation_.check_stop();
      if (block.place < end) refuse_entry(place, "has parts that overlap");
      skip(block.place - end);
      budget_.add_bytes(block.bytes.size(), reader_.packed_bytes());
      sink_.write(block.bytes);
      end = block.place + block.bytes.size();
    }
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    if (size > end) skip(size - end);
  }

  void skip(std::uint64_t size) {
    budget_.add_bytes(size, reader_.packed_bytes());
    sink_.skip(size);
  }

  Operation& operation_;
  ArchiveReader reader_;
  RootfsSink& sink_;
  UnpackBudget budget_;
  std::unordered_map<std::string, unsigned> kinds_;  ///< what is at each place
  std::string parent_;                               ///< the last one that was found to be a directory
  bool top_is_known_ = false, below_top_ = false;
};

}  // namespace

std::uint64_t relay_rootfs(ByteSource& archive, RootfsSink& sink, Operation& operation) {
  const Utf8Names names;
  std::uint64_t bytes = 0;
  try {
    bytes = Relay(archive, sink, operation).run();
  } catch (Error& error) {
    error.with_frame("its root file system");
    throw;
  }
  while (!archive.read(operation).empty()) {
  }
  return bytes;
}

}  // namespace envtool
