#include "providers/lxc/helper/lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "base/error.h"

namespace envtool::lxc {

Lock wait_for_lock(const std::filesystem::path& path, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (auto lock = FileLock::try_take(path, fmt::format("pid {}, envtool-lxc", ::getpid())))
      return std::move(*lock);
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(ErrorKind::busy,
                  fmt::format("'{}' is held by {}", path.string(), FileLock::holder_of(path)));
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

UniqueFd wait_for_machine(const std::filesystem::path& directory, bool make,
                          std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    if (make) make_directories(directory, 0711);
    UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd && !make) return fd;
    if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) {
      // It may have been destroyed, and even made anew, while we waited.
      struct stat held {
      }, present{};
      if (::fstat(fd.get(), &held) == 0 && ::stat(directory.c_str(), &present) == 0 &&
          held.st_ino == present.st_ino)
        return fd;
      continue;
    }
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(ErrorKind::busy, "another envtool works on it");
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace envtool::lxc
