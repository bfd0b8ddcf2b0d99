#include "providers/lxc/helper/import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <future>

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

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view part_prefix = ".part-";
constexpr std::uint64_t reserve = 64 << 20;  ///< what an unpacking leaves free for others

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

/// The frames on standard input.
class Frames {
 public:
  /// Throws Error(failed) where the stream ends before its last frame.
  FrameHeader next() {
    const std::optional<FrameHeader> header = FrameHeader::parse(read(FrameHeader::length));
    if (!header) throw Error(ErrorKind::usage, "the stream of the box has no frames");
    return *header;
  }
  /// At most so many bytes; never none.
  std::string_view read_some(std::size_t most) {
    ssize_t count;
    do count = ::read(STDIN_FILENO, buffer_.data(), std::min(most, buffer_.size()));
    while (count < 0 && errno == EINTR);
    if (count <= 0) throw Error(ErrorKind::failed, "the box broke off while it came");
    return {buffer_.data(), static_cast<std::size_t>(count)};
  }
  /// Gives at most so many bytes to another pipe, without a copy; 0 where that is not possible.
  static std::size_t move_to(int pipe, std::size_t most) {
    const ssize_t count = ::splice(STDIN_FILENO, nullptr, pipe, nullptr, most, SPLICE_F_MOVE);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  std::string read(std::size_t size) {
    std::string text;
    while (text.size() < size) text += read_some(size - text.size());
    return text;
  }

 private:
  std::string buffer_ = std::string(256 << 10, '\0');
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

class Unpacking {
 public:
  Unpacking(std::string box, const fs::path& directory, bool rootless)
      : box_(std::move(box)), directory_(directory) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe", errno);
    output_ = UniqueFd(ends[1]);
    ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
    // The names are relative and checked: tar need not keep links back until the end (--absolute-names).
    ProcessSpec spec{.argv = {"tar", "--extract", "--file=-", "--directory=" + directory.string(),
                              "--absolute-names", "--numeric-owner", "--same-permissions", "--same-owner",
                              "--xattrs", "--xattrs-include=*", "--delay-directory-restore",
                              "--record-size=262144"},  // what it reads at once, instead of 10 KiB
                     .input_fd = ends[0]};
    // Nobody but root makes device nodes, and a guest gets its own.
    if (rootless) spec.argv.insert(spec.argv.end(), {"--anchored", "--exclude=dev/*", "--exclude=./dev/*"});
    result_ = std::async(std::launch::async, [spec, input = ends[0]] {
      const UniqueFd end(input);
      return SystemProcessRunner().run(spec, {});
    });
  }
  ~Unpacking() { output_.reset(); }

  /// The payload of the last frame.
  std::string run(Frames& frames) {
    FrameHeader frame = frames.next();
    for (; frame.kind == FrameHeader::Kind::data; frame = frames.next()) {
      check_room();
      written_ += frame.size;
      for (std::size_t left = frame.size; left > 0;) {
        const std::size_t moved = result_.valid() ? frames.move_to(output_.get(), left) : 0;
        left -= moved;
        if (moved > 0) continue;
        const std::string_view bytes = frames.read_some(left);
        left -= bytes.size();
        if (result_.valid() && !write_all(output_.get(), bytes)) finish();
      }
    }
    std::string last = frames.read(frame.size);
    if (result_.valid()) finish();
    return last;
  }

 private:
  /// Returns when tar has all it wants: at the archive's end it may leave before the padding came.
  void finish() {
    output_.reset();
    const ProcessResult result = result_.get();
    if (result.ok()) return;
    if (result.error.find("No space left on device") != std::string::npos) fail_for_room();
    throw Error(ErrorKind::failed,
                fmt::format("cannot unpack box '{}':\n{}", box_, indent(last_lines(result.error, 3), 4)));
  }
  void check_room() {
    if (written_ < checked_ + reserve / 4) return;
    checked_ = written_;
    struct statvfs room {};
    if (::statvfs(directory_.c_str(), &room) == 0 && std::uint64_t{room.f_bavail} * room.f_frsize < reserve)
      fail_for_room();
  }
  [[noreturn]] void fail_for_room() const {
    throw Error(ErrorKind::failed, fmt::format("cannot unpack box '{}': no space left in '{}'", box_,
                                               directory_.parent_path().parent_path().parent_path().string()))
        .with_hint("make room there, for instance by destroying machines or with 'envtool box prune'");
  }

  std::string box_;
  fs::path directory_;
  UniqueFd output_;
  std::future<ProcessResult> result_;
  std::uint64_t written_ = 0, checked_ = 0;
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
      .with_hint("make room there, for instance by destroying machines or with 'envtool box prune'");
}

void check_tree(const std::string& box, const fs::path& top) {
  for (const char* name : {"etc", "usr"})
    if (!fs::is_directory(fs::symlink_status(top / name)))
      throw Error(ErrorKind::failed,
                  fmt::format("box '{}' holds no root file system: no /etc and /usr in it", box));
}

/// What came with the last frame. What was written a moment ago may have been written again by the sealing
/// without looking different, and is read instead.
KnownFiles known_files(const std::vector<std::string>& lines, std::int64_t began) {
  KnownFiles files;
  for (const std::string& line : lines) {
    auto file = parse_known_file(line);
    if (file && file->second.modified < began - 2) files.insert(std::move(*file));
  }
  return files;
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
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

}  // namespace

Value import_box(Context& context) {
  const std::string& box = context.text("box");
  const std::int64_t began = seconds_now();
  const Part part(context.layout);
  check_packed(context, part.box());
  Frames frames;
  const std::vector<std::string> last =
      split(Unpacking(box, part.rootfs(), context.rootless()).run(frames), '\n');
  const std::string digest = last.front();
  if (!is_digest(digest)) throw Error(ErrorKind::usage, "the stream of the box ends without a digest");
  check_tree(box, part.rootfs());
  const bool is_prepared = context.request["prepare"].as_bool() && prepare_image(context, part.rootfs());
  seal_box(GuestTree(part.rootfs()));
  if (::chmod(part.rootfs().c_str(), 0755) != 0) fail("open the box to its machines", errno);
  // What was installed has its packages' times, and tells nothing by them.
  std::string manifest = manifest_of(part.rootfs(), is_prepared ? KnownFiles{} : known_files(last, began));
  write_file(part.box() / manifest_file, manifest, 0600);
  if (context.rootless()) write_file(part.box() / owned_file, files_of_people(part.rootfs()), 0600);
  mark_unsettled(part.box());
  const fs::path place = context.layout.box(digest);
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
  const std::string difference = manifest_difference(*then, manifest_of(place / "rootfs", {}));
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
