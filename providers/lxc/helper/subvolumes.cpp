#include "providers/lxc/helper/subvolumes.h"

#include <fmt/format.h>
#include <linux/btrfs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include <cerrno>
#include <cstring>

#include "base/files.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/mounts.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr ino_t first_inode = 256;  ///< of every subvolume's root: BTRFS_FIRST_FREE_OBJECTID

/// One of the ioctls that take a name in a directory; -1 with errno when it fails.
int ask(const fs::path& path, unsigned long request, int source) {
  btrfs_ioctl_vol_args arguments{};
  const std::string name = path.filename();
  if (name.size() >= sizeof arguments.name) {
    errno = ENAMETOOLONG;
    return -1;
  }
  arguments.fd = source;
  std::memcpy(arguments.name, name.c_str(), name.size() + 1);
  const UniqueFd parent = open_directory(path.parent_path());
  return ::ioctl(parent.get(), request, &arguments);
}

/// One that holds others, or that this process may not remove, is left to be removed file by file.
void remove_if_subvolume(const fs::path& path) {
  if (is_subvolume(path)) ask(path, BTRFS_IOC_SNAP_DESTROY, -1);
}

}  // namespace

bool is_on_btrfs(const fs::path& path) {
  struct statfs facts {};
  return ::statfs(path.c_str(), &facts) == 0 && facts.f_type == BTRFS_SUPER_MAGIC;
}

bool is_subvolume(const fs::path& path) {
  struct stat facts {};
  return ::lstat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode) && facts.st_ino == first_inode &&
         is_on_btrfs(path);
}

void make_subvolume_or_directory(const fs::path& path) {
  if (!is_on_btrfs(path.parent_path()) || ask(path, BTRFS_IOC_SUBVOL_CREATE, -1) != 0)
    make_directories(path, 0755);
}

void copy_subvolume(const fs::path& from, const fs::path& to) {
  const UniqueFd source = open_directory(from);
  if (ask(to, BTRFS_IOC_SNAP_CREATE, source.get()) != 0)
    fail(fmt::format("copy the subvolume '{}'", from.string()), errno);
}

void remove_subvolumes(const fs::path& tree) {
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(tree, code)) {
    if (!entry.is_directory(code) || entry.is_symlink(code)) continue;
    if (!is_subvolume(entry.path()))
      for (const fs::directory_entry& inner : fs::directory_iterator(entry.path(), code))
        remove_if_subvolume(inner.path());
    remove_if_subvolume(entry.path());
  }
  remove_if_subvolume(tree);
  remove_tree(tree);
}

}  // namespace envtool::lxc
