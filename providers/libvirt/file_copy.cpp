#include "providers/libvirt/file_copy.h"

#include <fmt/format.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/files.h"

namespace envtool::libvirt {

namespace {

/// At most so much between two looks at whether to stop.
constexpr std::uint64_t piece = 16 << 20;

[[noreturn]] void fail_copy() {
  const int code = errno;
  Error error(ErrorKind::failed, fmt::format("cannot copy a disk image: {}", errno_text(code)));
  if (code == ENOSPC || code == EDQUOT)
    error.with_hint("make room there: 'envtool box prune' removes boxes that nothing needs");
  throw error;
}

/// Bytes that came over from `offset` on; 0 at the end of a file that became shorter. Both files stand there.
ssize_t copy_some(int from, int to, std::uint64_t offset, std::size_t count) {
  auto source = static_cast<off_t>(offset), target = source;
  const ssize_t copied = ::copy_file_range(from, &source, to, &target, count, 0);
  if (copied >= 0) return copied;
  // Between two kinds of file systems, and on some of one kind, the kernel only sends.
  if (errno != EXDEV && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) return copied;
  if (::lseek(to, static_cast<off_t>(offset), SEEK_SET) < 0) return -1;
  source = static_cast<off_t>(offset);
  return ::sendfile(to, from, &source, count);
}

}  // namespace

void copy_into_zeros(int from, int to, std::uint64_t size, Operation& operation) {
  operation.check_stop();
  std::uint64_t done = ::ioctl(to, FICLONE, from) == 0 ? size : 0;
  while (done < size) {
    const off_t data = ::lseek(from, static_cast<off_t>(done), SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // nothing but a hole is left
    if (data < 0) fail_copy();
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    if (hole < 0) fail_copy();
    done = static_cast<std::uint64_t>(data);
    for (const auto end = std::min(static_cast<std::uint64_t>(hole), size); done < end;) {
      operation.check_stop();
      const ssize_t copied = copy_some(from, to, done, static_cast<std::size_t>(std::min(end - done, piece)));
      if (copied < 0 && errno == EINTR) continue;
      if (copied <= 0) fail_copy();
      done += static_cast<std::uint64_t>(copied);
      operation.progress({.done = done, .total = size});
    }
  }
  operation.progress({.done = size, .total = size});
}

}  // namespace envtool::libvirt
