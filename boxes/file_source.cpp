#include "boxes/file_source.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace envtool {

namespace {

constexpr std::size_t block_size = 256 << 10;

[[noreturn]] void fail_reading(const std::filesystem::path& path) {
  throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
}

}  // namespace

FileSource::FileSource(std::filesystem::path path)
    : path_(std::move(path)), fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)), block_(block_size, '\0') {
  struct stat info {};
  if (!fd_ || ::fstat(fd_.get(), &info) != 0) fail_reading(path_);
  size_ = static_cast<std::uint64_t>(info.st_size);
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::string_view FileSource::read(Operation& operation) {
  operation.check_stop();
  ssize_t count;
  do count = ::read(fd_.get(), block_.data(), block_.size());
  while (count < 0 && errno == EINTR);
  if (count < 0) fail_reading(path_);
  const std::string_view bytes(block_.data(), static_cast<std::size_t>(count));
  hash_.add(bytes);
  return bytes;
}

}  // namespace envtool
