#include "boxes/new_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/error.h"
#include "base/hash.h"

namespace envtool {

namespace fs = std::filesystem;

NewUserFile::NewUserFile(fs::path path) : path_(std::move(path)) {
  std::error_code code;
  if (fs::exists(fs::symlink_status(path_, code))) fail_taken();
  const fs::path directory = path_.has_parent_path() ? path_.parent_path() : fs::path(".");
  fd_ = UniqueFd(::open(directory.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0644));
  // Not every file system has files without a name.
  if (!fd_ && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL)) {
    part_ = directory / fmt::format(".{}.{}", path_.filename().string(), random_hex(4));
    fd_ = UniqueFd(::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  }
  if (!fd_) fail(errno);
}

NewUserFile::~NewUserFile() {
  if (!part_.empty()) ::unlink(part_.c_str());
}

void NewUserFile::write(std::string_view bytes) {
  write_at(bytes, size_);
  size_ += bytes.size();
}

void NewUserFile::write_at(std::string_view bytes, std::uint64_t place) const {
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(place));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    place += static_cast<std::uint64_t>(count);
  }
}

void NewUserFile::publish() {
  if (::fsync(fd_.get()) != 0) fail(errno);
  const bool named =
      part_.empty() ? ::linkat(AT_FDCWD, fmt::format("/proc/self/fd/{}", fd_.get()).c_str(), AT_FDCWD,
                               path_.c_str(), AT_SYMLINK_FOLLOW) == 0
                    : ::renameat2(AT_FDCWD, part_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0;
  if (!named && errno == EEXIST) fail_taken();
  if (!named) fail(errno);
  part_.clear();
}

void NewUserFile::fail(int number) const {
  throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path_.string(), errno_text(number)));
}

void NewUserFile::fail_taken() const {
  throw Error(ErrorKind::failed, fmt::format("'{}' is there already", path_.string()))
      .with_hint("name another file, or remove that one");
}

}  // namespace envtool
