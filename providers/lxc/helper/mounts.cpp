#include "providers/lxc/helper/mounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

void enter_private_mounts() {
  if (::unshare(CLONE_NEWNS) != 0) fail("make a mount namespace", errno);
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0)
    fail("separate the mounts from the host's", errno);
}

InMountsOf::InMountsOf(pid_t process) : own_(::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC)) {
  const UniqueFd other(::open(fmt::format("/proc/{}/ns/mnt", process).c_str(), O_RDONLY | O_CLOEXEC));
  if (!own_ || !other || ::setns(other.get(), CLONE_NEWNS) != 0) fail("enter the guest's mounts", errno);
}

InMountsOf::~InMountsOf() {
  // Going on in the guest's files as if they were the host's is worse than ending here.
  if (::setns(own_.get(), CLONE_NEWNS) != 0) ::_exit(70);
}

UniqueFd user_namespace(const IdMap& users, const IdMap& groups) {
  const long child = ::syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) fail("make a user namespace", errno);
  if (child == 0)
    for (;;) ::pause();
  const fs::path process = fmt::format("/proc/{}", child);
  const auto end_child = [child] {
    ::kill(static_cast<pid_t>(child), SIGKILL);
    ::waitpid(static_cast<pid_t>(child), nullptr, 0);
  };
  const auto write_map = [&](const char* file, const IdMap& map) {
    const UniqueFd fd(::open((process / file).c_str(), O_WRONLY | O_CLOEXEC));
    const std::string text = id_map_text(map);
    return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  const bool mapped = write_map("uid_map", users) && write_map("gid_map", groups);
  const int number = errno;
  UniqueFd space(::open((process / "ns/user").c_str(), O_RDONLY | O_CLOEXEC));
  end_child();
  if (!mapped || !space) fail("map user ids", number);
  return space;
}

UniqueFd clone_mount(int directory, const CloneOptions& options, const std::string& what) {
  const unsigned below = options.recursive ? AT_RECURSIVE : 0;
  UniqueFd mount(::open_tree(directory, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | below));
  if (!mount) fail(fmt::format("clone the mount of {}", what), errno);
  mount_attr attributes{};
  if (options.read_only) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (options.user_namespace >= 0) {
    attributes.attr_set |= MOUNT_ATTR_IDMAP;
    attributes.userns_fd = static_cast<std::uint64_t>(options.user_namespace);
  }
  if (attributes.attr_set != 0 &&
      ::mount_setattr(mount.get(), "", AT_EMPTY_PATH | below, &attributes, sizeof attributes) != 0)
    throw Error(ErrorKind::unsupported,
                fmt::format("cannot shift the owners of {}: {}; its file system or this kernel "
                            "has no idmapped mounts",
                            what, errno_text(errno)));
  return mount;
}

UniqueFd clone_for_guest(const fs::path& tree, pid_t process) {
  UniqueFd fd(::open(fmt::format("/proc/{}/ns/user", process).c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail("find the guest's user namespace", errno);
  // Without CLONE_VM a fork, and its descriptors are ours: the tree takes the namespace's place.
  const long child = ::syscall(SYS_clone, CLONE_FILES | SIGCHLD, nullptr, nullptr, nullptr, nullptr);
  if (child < 0) fail("start a process", errno);
  if (child == 0) {
    if (::setns(fd.get(), CLONE_NEWUSER) != 0 || ::unshare(CLONE_NEWNS) != 0) ::_exit(errno);
    const int copy = ::open_tree(AT_FDCWD, tree.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
    ::_exit(copy >= 0 && ::dup3(copy, fd.get(), O_CLOEXEC) >= 0 && ::close(copy) == 0 ? 0 : errno);
  }
  int status = 0;
  while (::waitpid(static_cast<pid_t>(child), &status, 0) < 0 && errno == EINTR) {
  }
  if (status != 0) fail("clone a mount for the guest", WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
  return fd;
}

void attach(int mount, const fs::path& target) {
  if (::move_mount(mount, "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    fail(fmt::format("mount on '{}'", target.string()), errno);
}

void attach(int mount, int target) {
  if (::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    fail("mount on a directory", errno);
}

void mount_overlay(const Overlay& overlay) {
  // Kernels before 6.15 take layers from the caller's mounts only, not from a tree that is mounted nowhere.
  attach(overlay.lower, overlay.target);
  // By descriptors: the names of many layers would not fit into the options, nor what tells options apart.
  std::string lower;
  for (auto layer = overlay.layers.rbegin(); layer != overlay.layers.rend(); ++layer)
    lower += fmt::format("/proc/self/fd/{}:", layer->get());
  const UniqueFd upper = open_directory(overlay.upper), work = open_directory(overlay.work);
  const std::string options =
      fmt::format("lowerdir={}/proc/self/fd/{},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{}{}", lower,
                  overlay.lower, upper.get(), work.get(), overlay.user_xattr ? ",userxattr" : "");
  if (::mount("overlay", overlay.target.c_str(), "overlay", 0, options.c_str()) != 0)
    throw Error(ErrorKind::unsupported, fmt::format("this kernel refuses the overlay on '{}': {}",
                                                    overlay.target.string(), errno_text(errno)));
}

UniqueFd open_directory(const fs::path& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) fail(fmt::format("open the directory '{}'", path.string()), errno);
  return fd;
}

}  // namespace envtool::lxc
