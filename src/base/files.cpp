#include "base/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "base/error.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(std::string_view what, const fs::path& path, int number) {
  throw Error(ErrorKind::failed, fmt::format("cannot {} '{}': {}", what, path.string(), errno_text(number)));
}

void write_all(int fd, std::string_view content, const fs::path& path) {
  while (!content.empty()) {
    const ssize_t written = ::write(fd, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path, errno);
    content.remove_prefix(static_cast<size_t>(written));
  }
}

/// Nothing for what tells of a process that has ended meanwhile; see proc(5).
std::optional<std::string> read_descriptor(int fd, const fs::path& path, std::size_t limit) {
  std::string content;
  char buffer[65536];
  for (;;) {
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == ESRCH) return std::nullopt;
    if (count < 0) fail("read", path, errno);
    if (count == 0) return content;
    content.append(buffer, static_cast<size_t>(count));
    if (content.size() > limit)
      throw Error(ErrorKind::failed, fmt::format("'{}' is larger than {} bytes", path.string(), limit));
  }
}

}  // namespace

UniqueFd& UniqueFd::operator=(UniqueFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

void UniqueFd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

std::string errno_text(int number) { return std::generic_category().message(number); }

std::string read_file(const fs::path& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) fail("read", path, errno);
  auto content = read_descriptor(fd.get(), path, limit);
  if (!content) fail("read", path, ESRCH);
  return *std::move(content);
}

std::optional<std::string> read_file_if_there(const fs::path& path, std::size_t limit) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd && (errno == ENOENT || errno == ENOTDIR)) return std::nullopt;
  if (!fd) fail("read", path, errno);
  return read_descriptor(fd.get(), path, limit);
}

void write_file(const fs::path& path, std::string_view content, unsigned mode, Durability durability) {
  static std::atomic<unsigned> counter{0};
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  const fs::path temporary =
      parent / fmt::format(".{}.{}.{}", path.filename().string(), ::getpid(), ++counter);
  const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
  UniqueFd fd(::open(temporary.c_str(), flags, mode));
  if (!fd && errno == ENOENT) {
    make_directories(parent, 0700);
    fd = UniqueFd(::open(temporary.c_str(), flags, mode));
  }
  if (!fd) fail("write", path, errno);
  try {
    write_all(fd.get(), content, path);
    if (::fchmod(fd.get(), mode) != 0) fail("set the mode of", path, errno);
    if (durability == Durability::synced && ::fsync(fd.get()) != 0) fail("write", path, errno);
    if (::rename(temporary.c_str(), path.c_str()) != 0) fail("replace", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (durability == Durability::synced) {
    const UniqueFd directory(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory) ::fsync(directory.get());
  }
}

void remove_half_written(const fs::path& path) {
  const std::string start = fmt::format(".{}.", path.filename().string());
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(path.parent_path(), ignored))
    if (entry.path().filename().string().starts_with(start)) fs::remove(entry.path(), ignored);
}

void make_directories(const fs::path& path, unsigned mode) {
  if (path.empty() || ::mkdir(path.c_str(), mode) == 0) return;
  if (errno == ENOENT && path.has_parent_path() && path.parent_path() != path) {
    make_directories(path.parent_path(), mode);
    if (::mkdir(path.c_str(), mode) == 0) return;
  }
  const int number = errno;
  if (number == EEXIST && fs::is_directory(path)) return;
  fail("make the directory", path, number);
}

void remove_tree(const fs::path& path) {
  std::error_code code;
  fs::remove_all(path, code);
  if (code)
    throw Error(ErrorKind::failed, fmt::format("cannot remove '{}': {}", path.string(), code.message()));
}

TemporaryDirectory::TemporaryDirectory(const fs::path& parent, std::string_view prefix) {
  std::string name = (parent / (std::string(prefix) + "XXXXXX")).string();
  if (::mkdtemp(name.data()) == nullptr) fail("make a directory in", parent, errno);
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

namespace {

/// The file, locked that way; an invalid descriptor when others are in the way.
UniqueFd open_locked(const fs::path& path, int operation) {
  if (path.has_parent_path()) make_directories(path.parent_path(), 0700);
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!fd) fail("open the lock", path, errno);
  while (::flock(fd.get(), operation | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return {};
    if (errno != EINTR) fail("lock", path, errno);
  }
  return fd;
}

}  // namespace

std::optional<FileLock> FileLock::try_take(const fs::path& path, std::string_view holder) {
  UniqueFd fd = open_locked(path, LOCK_EX);
  if (!fd) return std::nullopt;
  if (::ftruncate(fd.get(), 0) != 0) fail("write", path, errno);
  write_all(fd.get(), holder, path);
  return FileLock(std::move(fd));
}

std::optional<FileLock> FileLock::try_share(const fs::path& path) {
  UniqueFd fd = open_locked(path, LOCK_SH);
  if (!fd) return std::nullopt;
  return FileLock(std::move(fd));
}

std::string FileLock::holder_of(const fs::path& path) { return read_file_if_there(path, 4096).value_or(""); }

bool FileLock::is_held(const fs::path& path) {
  struct stat status = {};
  int holder = 0;
  if (::stat(path.c_str(), &status) != 0) return false;
  if (std::sscanf(holder_of(path).c_str(), "pid %d", &holder) != 1) return false;
  // Nearly always the holder has ended. To read the table of locks takes the kernel up to 20 ms.
  if (::kill(holder, 0) != 0 && errno == ESRCH) return false;
  // "1: FLOCK  ADVISORY  WRITE 29262 fe:00:10953113 0 EOF"; the device is another one than stat's on btrfs.
  for (const std::string& line : split(read_file_if_there("/proc/locks").value_or(""), '\n')) {
    int process = 0;
    unsigned long inode = 0;
    if (std::sscanf(line.c_str(), "%*d: FLOCK %*s WRITE %d %*x:%*x:%lu", &process, &inode) == 2 &&
        process == holder && inode == status.st_ino)
      return true;
  }
  return false;
}

}  // namespace envtool
