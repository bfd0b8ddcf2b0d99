#include "providers/lxc/helper/import.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/text.h"
#include "providers/lxc/helper/lock.h"
#include "providers/lxc/helper/mounts.h"
#include "providers/lxc/helper/seal.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// tar's switch for what compressed the file, by its first bytes; tar itself cannot tell from a stream.
std::vector<std::string> decompressor(int archive) {
  char bytes[6] = {};
  const ssize_t count = ::pread(archive, bytes, sizeof bytes, 0);
  const std::string_view magic(bytes, count < 0 ? 0 : static_cast<std::size_t>(count));
  if (magic.starts_with("\x1f\x8b")) return {"--gzip"};
  if (magic.starts_with("\xfd"
                        "7zXZ"))
    return {"--xz"};
  if (magic.starts_with("\x28\xb5\x2f\xfd")) return {"--zstd"};
  if (magic.starts_with("BZh")) return {"--bzip2"};
  return {};
}

void unpack(const std::string& box, const fs::path& directory) {
  std::vector<std::string> argv = {"tar",
                                   "--extract",
                                   "--file=-",
                                   "--directory=" + directory.string(),
                                   "--numeric-owner",
                                   "--same-permissions",
                                   "--xattrs",
                                   "--xattrs-include=*",
                                   "--delay-directory-restore"};
  for (const std::string& word : decompressor(STDIN_FILENO)) argv.push_back(word);
  const ProcessResult result = SystemProcessRunner().run({.argv = argv, .input_fd = STDIN_FILENO}, {});
  if (result.ok()) return;
  if (result.error.find("No space left on device") != std::string::npos)
    throw Error(ErrorKind::failed, fmt::format("cannot unpack box '{}': no space left in '{}'", box,
                                               directory.parent_path().parent_path().string()))
        .with_hint("make room there, for instance by destroying machines");
  throw Error(ErrorKind::failed,
              fmt::format("box '{}': its root file system is not an archive that tar can read:\n{}", box,
                          indent(last_lines(result.error, 3), 4)))
      .with_hint("fetch or build the box again");
}

/// Vagrant packs `./rootfs/...`, others the tree itself.
fs::path top_of(const std::string& box, const fs::path& directory) {
  for (fs::path top : {directory, directory / "rootfs"}) {
    const auto is_real = [&](const char* name) { return fs::is_directory(fs::symlink_status(top / name)); };
    if (is_real("") && is_real("etc") && is_real("usr")) return top;
  }
  throw Error(ErrorKind::failed,
              fmt::format("box '{}' holds no root file system: no /etc and /usr in it", box));
}

}  // namespace

Value import_box(Context& context) {
  const std::string& digest = context.text("digest");
  const std::string& box = context.text("box");
  if (!is_digest(digest)) throw Error(ErrorKind::usage, "'digest' is not a digest");
  const fs::path place = context.layout.box(digest);
  make_directories(context.layout.boxes(), 0711);  // each box in it is 0700
  const Lock lock = wait_for_lock(context.layout.boxes_lock(), std::chrono::minutes(10));
  if (fs::exists(place)) return Value::map();
  const fs::path part = context.layout.boxes() / (digest + ".part");
  remove_tree(part);
  try {
    make_directories(part / "unpacked", 0700);
    unpack(box, part / "unpacked");
    const fs::path top = top_of(box, part / "unpacked");
    seal_box(GuestTree(top));
    if (::chmod(top.c_str(), 0755) != 0) fail("open the box to its machines", errno);
    make_directories(part / "box", 0700);
    fs::rename(top, part / "box" / "rootfs");
    if (::syncfs(open_directory(part / "box").get()) != 0)
      fail(fmt::format("write box '{}' to the disk", box), errno);
    fs::rename(part / "box", place);
  } catch (...) {
    remove_tree(part);
    throw;
  }
  remove_tree(part);
  return Value::map();
}

Value forget_box(Context& context) {
  const std::string& digest = context.text("digest");
  if (!is_digest(digest)) throw Error(ErrorKind::usage, "'digest' is not a digest");
  const fs::path place = context.layout.box(digest);
  const fs::path part = context.layout.boxes() / (digest + ".part");
  const Lock lock = wait_for_lock(context.layout.boxes_lock(), std::chrono::minutes(10));
  {
    const Lock uses = wait_for_lock(context.layout.uses_lock(), std::chrono::seconds(60));
    for (const fs::directory_entry& machine : fs::directory_iterator(context.layout.containers())) {
      const std::optional<Record> record = find_record(context.layout, machine.path().filename());
      if (record && record->box == digest) return Value::map();
    }
    remove_tree(part);
    if (::rename(place.c_str(), part.c_str()) != 0 && errno != ENOENT) fail("remove the box", errno);
  }
  remove_tree(part);
  return Value::map();
}

}  // namespace envtool::lxc
