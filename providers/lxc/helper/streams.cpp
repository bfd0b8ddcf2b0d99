#include "providers/lxc/helper/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

namespace {

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(fd, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

GuestStreams::GuestStreams() {
  for (const int fd : {0, 1, 2}) {
    if (::isatty(fd) == 0) continue;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) fail("make a pipe", errno);
    UniqueFd read(ends[0]), write(ends[1]);
    const auto number = static_cast<std::size_t>(fd);
    ends_[number] = fd == 0 ? read.get() : write.get();
    Way way{.owned = std::move(fd == 0 ? write : read)};
    way.from = fd == 0 ? 0 : way.owned.get();
    way.to = fd == 0 ? way.owned.get() : fd;
    ways_.push_back(std::move(way));
    guest_ends_.push_back(std::move(fd == 0 ? read : write));
  }
}

void GuestStreams::copy(Way& way) const {
  char buffer[65536];
  const ssize_t count = ::read(way.from, buffer, sizeof buffer);
  if (count < 0 && errno == EINTR) return;
  if (count > 0 && write_all(way.to, {buffer, static_cast<std::size_t>(count)})) return;
  way.owned.reset();
  way.from = -1;
}

void GuestStreams::copy_until_end(pid_t program) {
  guest_ends_.clear();
  if (ways_.empty()) return;
  const UniqueFd end(static_cast<int>(::syscall(SYS_pidfd_open, program, 0)));
  for (bool ended = !end;;) {
    std::vector<pollfd> polls;
    for (const Way& way : ways_) polls.push_back({way.from, POLLIN, 0});
    polls.push_back({ended ? -1 : end.get(), POLLIN, 0});
    const int ready = ::poll(polls.data(), polls.size(), ended ? 0 : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return;
    bool moved = false;
    for (std::size_t i = 0; i < ways_.size(); ++i) {
      // What is still typed after the end is for the caller's shell.
      if (polls[i].revents == 0 || (ended && ways_[i].from == 0)) continue;
      copy(ways_[i]);
      moved = true;
    }
    if (polls.back().revents != 0)
      ended = true;
    else if (ended && !moved)
      return;
  }
}

}  // namespace envtool::lxc
