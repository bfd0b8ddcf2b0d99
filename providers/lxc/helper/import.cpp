#include "providers/lxc/helper/import.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "base/files.h"
#include "base/hash.h"
#include "base/size.h"
#include "base/text.h"
#include "providers/lxc/helper/lock.h"
#include "providers/lxc/helper/manifest.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/prepare.h"
#include "providers/lxc/helper/seal.h"
#include "providers/lxc/helper/settled.h"
#include "providers/lxc/helper/subvolumes.h"
#include "providers/lxc/helper/unpack.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view part_prefix = ".part-";

/// Removes what killed processes left: parts whose lock nobody holds. REQUIRES: the lock on boxes is held.
void sweep(const Layout& layout) {
  for (const fs::directory_entry& entry : fs::directory_iterator(layout.boxes())) {
    if (!entry.path().filename().string().starts_with(part_prefix)) continue;
    std::error_code ignored;  // whose part it is may be removing it at this moment
    try {
      if (FileLock::try_take(entry.path() / "lock", "")) fs::remove_all(entry.path(), ignored);
    } catch (const Error&) {
    }
  }
}

/// Where a box is made; what is not published is removed.
class Part {
 public:
  explicit Part(const Layout& layout)
      : path_(layout.boxes() / fmt::format("{}{}", part_prefix, random_hex(8))) {
    make_directories(layout.boxes(), 0711);  // each box in it is 0700
    const Lock lock = wait_for_lock(layout.boxes_lock(), std::chrono::minutes(10));
    sweep(layout);
    make_directories(path_ / "box", 0700);
    make_subvolume_or_directory(path_ / "box" / "rootfs");
    lock_ = FileLock::try_take(path_ / "lock", fmt::format("pid {}", ::getpid()));
  }
  ~Part() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Part(const Part&) = delete;
  Part& operator=(const Part&) = delete;

  fs::path box() const { return path_ / "box"; }
  fs::path rootfs() const { return box() / "rootfs"; }
  /// Takes what is there, to be removed with this.
  void take(const fs::path& place) const {
    if (::rename(place.c_str(), (path_ / "removed").c_str()) != 0 && errno != ENOENT)
      fail("remove the box", errno);
  }

 private:
  fs::path path_;
  std::optional<FileLock> lock_;
};

void check_packed(const Context& context, const fs::path& directory) {
  struct statvfs room {};
  const auto packed = static_cast<std::uint64_t>(context.request["packed"].as_integer());
  if (::statvfs(directory.c_str(), &room) != 0) return;
  const std::uint64_t free = std::uint64_t{room.f_bavail} * room.f_frsize;
  if (free >= packed + reserve) return;
  throw Error(
      ErrorKind::failed,
      fmt::format("cannot unpack box '{}': packed it has {}, and '{}' has only {} free, of which {} stay so",
                  context.text("box"), ByteSize{packed}.to_string(), context.layout.root.string(),
                  ByteSize{free}.to_string(), ByteSize{reserve}.to_string()))
      .with_hint(make_room);
}

void check_tree(const std::string& box, const fs::path& top) {
  for (const char* name : {"etc", "usr"})
    if (!fs::is_directory(fs::symlink_status(top / name)))
      throw Error(ErrorKind::failed,
                  fmt::format("box '{}' holds no root file system: no /etc and /usr in it", box));
}

const std::string& digest_of(const Context& context) {
  const std::string& digest = context.text("digest");
  if (!is_digest(digest)) throw Error(ErrorKind::usage, "'digest' is not a digest");
  return digest;
}

/// Whether somebody still reads the answer. A box is published under the same lock under which it is removed:
/// one whose owner was killed, and that was forgotten since, does not come after all.
bool is_awaited() {
  pollfd answer{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
  return ::poll(&answer, 1, 0) == 0 || (answer.revents & POLLERR) == 0;
}

/// Gives what that changed.
std::vector<std::string> seal(const fs::path& rootfs) {
  std::vector<std::string> changes;
  GuestTree guest(rootfs);
  guest.note_changes(changes);
  seal_box(guest);
  if (::chmod(rootfs.c_str(), 0755) != 0) fail("open the box to its machines", errno);
  return changes;
}

}  // namespace

Value import_box(Context& context) {
  const std::string& box = context.text("box");
  const Part part(context.layout);
  check_packed(context, part.box());
  Unpacked unpacked = unpack(context, part.rootfs());
  if (!is_digest(unpacked.digest))
    throw Error(ErrorKind::usage, "the stream of the box ends without a digest");
  check_tree(box, part.rootfs());
  const bool is_prepared = context.request["prepare"].as_bool() && prepare_image(context, part.rootfs());
  const std::vector<std::string> changes = seal(part.rootfs());
  for (const std::string& path : changes) unpacked.manifest.look_again(path);
  std::string manifest = is_prepared ? manifest_of(part.rootfs()) : unpacked.manifest.text();
  write_file(part.box() / manifest_file, manifest, 0600);
  if (context.rootless()) write_file(part.box() / owned_file, files_of_people(part.rootfs()), 0600);
  mark_unsettled(part.box());
  const fs::path place = context.layout.box(unpacked.digest);
  const Lock lock = wait_for_lock(context.layout.boxes_lock(), std::chrono::minutes(10));
  if (!is_awaited()) throw Error(ErrorKind::failed, fmt::format("nobody waits for box '{}' any more", box));
  if (fs::exists(place) && !is_whole(place)) part.take(place);
  if (fs::exists(place))
    manifest = read_file_if_there(place / manifest_file, largest_manifest).value_or("");
  else
    fs::rename(part.box(), place);
  return Value::map({{"manifest", sha256(manifest)}});
}

Value verify_box(Context& context) {
  const fs::path place = context.layout.box(digest_of(context));
  if (!fs::exists(place)) throw Error(ErrorKind::failed, "its unpacked root file system is gone");
  const auto then = read_file_if_there(place / manifest_file, largest_manifest);
  const std::string& known = context.text("manifest");
  if (!then || (!known.empty() && known != sha256(*then)))
    throw Error(ErrorKind::failed,
                "the list of what its unpacked root file system holds is changed or missing");
  const std::string difference = manifest_difference(*then, manifest_of(place / "rootfs"));
  if (!difference.empty()) throw Error(ErrorKind::failed, "in its unpacked root file system " + difference);
  return Value::map();
}

Value forget_box(Context& context) {
  const std::string& digest = digest_of(context);
  const fs::path place = context.layout.box(digest);
  const Part part(context.layout);
  const Lock lock = wait_for_lock(context.layout.boxes_lock(), std::chrono::minutes(10));
  if (!fs::exists(place)) return Value::map();
  const Lock uses = wait_for_lock(context.layout.uses_lock(), std::chrono::seconds(60));
  for (const fs::directory_entry& machine : fs::directory_iterator(context.layout.containers())) {
    const std::optional<Record> record = find_record(context.layout, machine.path().filename());
    if (record && record->box == digest) return Value::map();
  }
  part.take(place);
  return Value::map();
}

bool has_whole_box(const Layout& layout, const std::string& digest) {
  const fs::path place = layout.box(digest);
  if (!fs::exists(place)) return false;
  if (is_whole(place)) return true;
  const Part part(layout);
  const Lock lock = wait_for_lock(layout.boxes_lock(), std::chrono::minutes(10));
  if (!is_whole(place)) part.take(place);
  return false;
}

}  // namespace envtool::lxc
