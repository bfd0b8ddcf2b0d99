#include "base/clock.h"

#include <condition_variable>
#include <mutex>

#include "base/cancel.h"

namespace envtool {

std::chrono::steady_clock::time_point SystemClock::now() const { return std::chrono::steady_clock::now(); }

std::chrono::system_clock::time_point SystemClock::wall_time() const {
  return std::chrono::system_clock::now();
}

void SystemClock::sleep_for(std::chrono::milliseconds duration, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, duration, [&] { return stop.stop_requested(); });
  throw_if_stopped(stop);
}

}  // namespace envtool
