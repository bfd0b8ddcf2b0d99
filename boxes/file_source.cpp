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
    : path_(std::move(path)),
      fd_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)),
      hashing_(blocks_.size() - 2, [this](std::string_view bytes) { hash_.add(bytes); }) {
  struct stat info {};
  if (!fd_ || ::fstat(fd_.get(), &info) != 0) fail_reading(path_);
  size_ = static_cast<std::uint64_t>(info.st_size);
  ::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
}

std::string_view FileSource::read(Operation& operation) {
  operation.check_stop();
  std::string& block = blocks_[next_++ % blocks_.size()];
  block.resize(block_size);
  ssize_t count;
  do count = ::read(fd_.get(), block.data(), block.size());
  while (count < 0 && errno == EINTR);
  if (count < 0) fail_reading(path_);
  const std::string_view bytes(block.data(), static_cast<std::size_t>(count));
  hashing_.give(bytes);
  return bytes;
}

std::string FileSource::digest() {
  hashing_.finish();
  return hash_.finish();
}

}  // namespace envtool
