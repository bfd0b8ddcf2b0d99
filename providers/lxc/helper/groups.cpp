#include "providers/lxc/helper/groups.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/files.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/mounts.h"

// Before it moves a process to other control groups the kernel waits for a grace period of some 10 ms. There
// are two ways without: to be born in a group, of version 2, and a thread that moves itself, of version 1.

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

constexpr const char* own_threads = "tasks";  ///< what only groups of version 1 have

/// Where liblxc puts processes as well: a group with controllers for those below has none of its own.
UniqueFd open_leaf(const fs::path& group) {
  const fs::path leaf = group / ".lxc";
  struct stat facts {};
  if (::mkdir(leaf.c_str(), 0755) == 0) {
    if (::stat(group.c_str(), &facts) != 0 || ::chown(leaf.c_str(), facts.st_uid, facts.st_gid) != 0)
      fail(fmt::format("set the owner of '{}'", leaf.string()), errno);
  } else if (errno != EEXIST) {
    fail(fmt::format("make the control group '{}'", leaf.string()), errno);
  }
  return open_directory(leaf);
}

pid_t fork_into(const UniqueFd& group) {
  if (!group) return ::fork();
  clone_args how{};
  how.flags = CLONE_INTO_CGROUP;
  how.exit_signal = SIGCHLD;
  how.cgroup = static_cast<__u64>(group.get());
  return static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
}

}  // namespace

pid_t fork_into_groups(const Cgroups& cgroups, const std::string& machine) {
  UniqueFd unified;
  std::vector<fs::path> others;
  for (const fs::path& group : cgroups.payload_groups(machine)) {
    if (::access((group / own_threads).c_str(), F_OK) == 0)
      others.push_back(group / own_threads);
    else
      unified = open_leaf(group);
  }
  if (!unified && others.empty()) throw Error(ErrorKind::failed, "it does not run");
  const pid_t child = fork_into(unified);
  if (child < 0) fail("start a process in its control groups", errno);
  if (child > 0) return child;
  for (const fs::path& threads : others) {
    if (write_control(threads, "0")) continue;
    std::fprintf(stderr, "error: cannot enter the control group of '%s': %s\n", threads.c_str(),
                 errno_text(errno).c_str());
    ::_exit(1);
  }
  return 0;
}

}  // namespace envtool::lxc
