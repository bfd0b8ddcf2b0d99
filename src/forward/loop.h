#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "base/files.h"

namespace envtool::forward {

/// Waits for descriptors and calls whoever watches them, in one thread.
class Loop {
 public:
  using Handler = std::function<void(std::uint32_t events)>;

  /// Interest in one descriptor, for as long as this object lives; it may go while its own handler runs. The
  /// descriptor and the loop must outlive it.
  class Watch {
   public:
    Watch(Loop& loop, int fd, std::uint32_t events, Handler handler);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    /// With 0 not even errors and hang-ups are heard of.
    void set(std::uint32_t events);

   private:
    Loop& loop_;
    int fd_;
    std::uint64_t token_;
    std::uint32_t events_ = 0;
  };

  Loop();
  /// Runs until `stop`. `tick` is called about once a second while `wants_ticks` says so, otherwise the
  /// process sleeps until something happens.
  void run(const std::function<bool()>& wants_ticks, const std::function<void()>& tick);
  void stop() { stopped_ = true; }

 private:
  void dispatch(int timeout);

  UniqueFd epoll_;
  std::unordered_map<std::uint64_t, std::shared_ptr<Handler>> handlers_;
  std::uint64_t next_token_ = 0;
  bool stopped_ = false;
};

}  // namespace envtool::forward
