#include "forward/loop.h"

#include <fmt/format.h>

#include <cerrno>

#include "base/error.h"

namespace envtool::forward {

namespace {

[[noreturn]] void fail(int number) {
  throw Error(ErrorKind::failed, fmt::format("cannot wait for connections: {}", errno_text(number)));
}

}  // namespace

Loop::Watch::Watch(Loop& loop, int fd, std::uint32_t events, Handler handler)
    : loop_(loop), fd_(fd), token_(loop.next_token_++) {
  loop_.handlers_.emplace(token_, std::make_shared<Handler>(std::move(handler)));
  set(events);
}

Loop::Watch::~Watch() {
  set(0);
  loop_.handlers_.erase(token_);
}

void Loop::Watch::set(std::uint32_t events) {
  if (events == events_) return;
  const int change = events == 0 ? EPOLL_CTL_DEL : events_ == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  epoll_event event = {};
  event.events = events;
  event.data.u64 = token_;
  if (::epoll_ctl(loop_.epoll_.get(), change, fd_, &event) == 0) events_ = events;
}

Loop::Loop() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) fail(errno);
}

void Loop::run(const std::function<bool()>& wants_ticks, const std::function<void()>& tick) {
  using Clock = std::chrono::steady_clock;
  constexpr auto interval = std::chrono::milliseconds(1000);
  auto next_tick = Clock::now() + interval;
  while (!stopped_) {
    dispatch(wants_ticks() ? static_cast<int>(interval.count()) : -1);
    if (Clock::now() < next_tick) continue;
    tick();
    next_tick = Clock::now() + interval;
  }
}

void Loop::dispatch(int timeout) {
  epoll_event events[64];
  const int count = ::epoll_wait(epoll_.get(), events, 64, timeout);
  if (count < 0 && errno != EINTR) fail(errno);
  for (int i = 0; i < count && !stopped_; ++i) {
    // A handler before this one may have ended the watch that this event is for.
    const auto found = handlers_.find(events[i].data.u64);
    if (found == handlers_.end()) continue;
    const std::shared_ptr<Handler> handler = found->second;
    (*handler)(events[i].events);
  }
}

}  // namespace envtool::forward
