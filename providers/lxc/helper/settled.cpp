#include "providers/lxc/helper/settled.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>

#include "base/files.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/manifest.h"
#include "providers/lxc/helper/mounts.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr const char* mark_file = "unsettled";  ///< holds the id of the boot

/// By then the kernel has written it by itself (vm.dirty_expire_centisecs: 30 s), so that syncing is quick.
constexpr std::time_t long_ago = 60;

std::string boot_id() { return read_file("/proc/sys/kernel/random/boot_id"); }

bool is_old(const fs::path& file) {
  struct stat info {};
  return ::stat(file.c_str(), &info) == 0 && info.st_mtime + long_ago <= std::time(nullptr);
}

bool is_like_its_manifest(const fs::path& box) {
  const auto manifest = read_file_if_there(box / manifest_file, largest_manifest);
  return manifest && !manifest->empty() && manifest_of(box / "rootfs") == *manifest;
}

}  // namespace

void mark_unsettled(const fs::path& box) { write_file(box / mark_file, boot_id(), 0600); }

bool is_whole(const fs::path& box) {
  const fs::path mark = box / mark_file;
  const auto boot = read_file_if_there(mark);
  if (!boot) return true;
  if (*boot == boot_id()) {
    if (!is_old(mark)) return true;
    if (::syncfs(open_directory(box).get()) != 0) fail("write a box to the disk", errno);
  } else if (!is_like_its_manifest(box)) {
    return false;
  }
  if (::unlink(mark.c_str()) != 0 && errno != ENOENT) fail("remove a mark", errno);
  return true;
}

}  // namespace envtool::lxc
