#pragma once

#include <atomic>

#include "base/cancel.h"
#include "base/clock.h"

namespace envtool {

/// Time moves only when somebody sleeps, and sleeping takes none. Begins at 2024-05-01 10:20:30 UTC. Safe
/// from any thread.
class FakeClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override {
    return std::chrono::steady_clock::time_point(std::chrono::milliseconds(passed_.load()));
  }
  std::chrono::system_clock::time_point wall_time() const override {
    return std::chrono::system_clock::time_point(
        std::chrono::milliseconds(1'714'558'830'000 + passed_.load()));
  }
  void sleep_for(std::chrono::milliseconds duration, const std::stop_token& stop) override {
    throw_if_stopped(stop);
    advance(duration);
  }
  void advance(std::chrono::milliseconds duration) { passed_ += duration.count(); }

 private:
  std::atomic<std::int64_t> passed_ = 0;
};

}  // namespace envtool
