#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "boxes/archive_reader.h"
#include "boxes/archive_writer.h"
#include "boxes/conveyor.h"
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

void keep_guests_attributes(archive_entry* entry) {
  if (archive_entry_xattr_reset(entry) == 0) return;
  std::vector<std::pair<std::string, std::string>> kept;
  const char* name = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK)
    if (name != nullptr && !is_of_the_host(name))
      kept.emplace_back(name, std::string(static_cast<const char*>(value), size));
  archive_entry_xattr_clear(entry);
  for (const auto& [key, content] : kept)
    archive_entry_xattr_add_entry(entry, key.c_str(), content.data(), content.size());
}

/// What no guest needs would cost a header of its own.
void strip(archive_entry* entry) {
  archive_entry_set_uname(entry, nullptr);
  archive_entry_set_gname(entry, nullptr);
  archive_entry_unset_atime(entry);
  archive_entry_unset_ctime(entry);
  archive_entry_unset_birthtime(entry);
  archive_entry_set_fflags(entry, 0, 0);
  archive_entry_acl_clear(entry);
  keep_guests_attributes(entry);
}

/// A piece of the tar that one thread has made, for the other to take checksums of and write.
struct Parcel {
  /// Content of a file, or its end.
  struct Part {
    std::size_t begin = 0, end = 0;  ///< in `bytes`
    std::optional<RootfsFile> file;  ///< that ends here; its digest is not known yet
  };
  std::vector<Part> parts;
  std::string bytes;
};

constexpr std::size_t parcel_size = 256 << 10, most_parcels = 8;

/// Takes the checksum of every file, and gives the tar on.
class Sending {
 public:
  Sending(RootfsSink& sink, Operation& operation) : sink_(sink), operation_(operation) {}

  /// Leaves it empty.
  void send(Parcel& parcel) {
    for (Parcel::Part& part : parcel.parts) {
      hash_.add(std::string_view(parcel.bytes).substr(part.begin, part.end - part.begin));
      if (!part.file) continue;
      part.file->sha256 = hash_.finish();
      sink_.note_file(*part.file);
    }
    if (!parcel.bytes.empty()) sink_.write(parcel.bytes, operation_);
    parcel.parts.clear();
    parcel.bytes.clear();
  }

 private:
  RootfsSink& sink_;
  Operation& operation_;
  Sha256 hash_;  ///< of the file that goes on
};

class Relay {
 public:
  Relay(ByteSource& source, RootfsSink& sink, Operation& operation)
      : operation_(operation),
        reader_(source, operation),
        writer_([this](std::string_view bytes) { parcel_.bytes += bytes; }),
        sending_(sink, operation),
        conveyor_(most_parcels, [this](Parcel& parcel) { sending_.send(parcel); }) {}

  std::uint64_t run() {
    while (archive_entry* entry = reader_.next()) {
      operation_.check_stop();
      budget_.add_entry();
      relay(entry);
    }
    writer_.finish();
    send();
    conveyor_.finish();
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
    archive_entry_copy_pathname(entry, ("./" + place).c_str());
    if (const char* target = archive_entry_hardlink(entry)) return relay_hard_link(entry, name, target);
    strip(entry);
    writer_.begin(entry);
    if (type == AE_IFREG) relay_content(entry, place);
    send_when_full();
  }

  void send_when_full() {
    if (parcel_.bytes.size() >= parcel_size) send();
  }
  void send() { parcel_ = conveyor_.give(std::move(parcel_)); }

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

  void relay_hard_link(archive_entry* entry, const std::string& name, const char* target) {
    const std::string place = place_of(target);
    const auto known = kinds_.find(place);
    if (known == kinds_.end() || known->second == AE_IFDIR)
      refuse_entry(name, fmt::format("is a hard link to '{}', which is no file before it", target));
    archive_entry_copy_hardlink(entry, ("./" + place).c_str());
    archive_entry_set_size(entry, 0);
    strip(entry);
    writer_.begin(entry);
  }

  void relay_content(archive_entry* entry, const std::string& place) {
    const auto size = static_cast<std::uint64_t>(archive_entry_size(entry));
    std::uint64_t end = 0;
    for (ArchiveReader::Block block; reader_.next_block(block);) {
      operation_.check_stop();
      if (block.place < end) refuse_entry(place, "has parts that overlap");
      budget_.add_bytes(block.place - end, reader_.packed_bytes());
      budget_.add_bytes(block.bytes.size(), reader_.packed_bytes());
      add_zeros(block.place - end);
      add(block.bytes);
      end = block.place + block.bytes.size();
    }
    const std::uint64_t zeros = size > end ? size - end : 0;
    budget_.add_bytes(zeros, reader_.packed_bytes());
    add_zeros(zeros);
    parcel_.parts.push_back(
        {.file =
             RootfsFile{.path = place, .size = size, .modified = archive_entry_mtime(entry), .sha256 = {}}});
  }

  void add(std::string_view bytes) {
    const std::size_t begin = parcel_.bytes.size();
    writer_.add(bytes);
    parcel_.parts.push_back({.begin = begin, .end = parcel_.bytes.size(), .file = {}});
    send_when_full();
  }
  void add_zeros(std::uint64_t size) {
    static constexpr char zeros[1 << 16] = {};
    for (; size > 0; size -= std::min<std::uint64_t>(size, sizeof zeros))
      add({zeros, std::min<std::uint64_t>(size, sizeof zeros)});
  }

  Operation& operation_;
  ArchiveReader reader_;
  UnpackBudget budget_;
  Parcel parcel_;
  ArchiveWriter writer_;
  Sending sending_;
  Conveyor<Parcel> conveyor_;
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
