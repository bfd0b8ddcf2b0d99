#pragma once

#include <chrono>
#include <stop_token>

namespace envtool {

/// The door to time; tests hand in one that does not wait.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual std::chrono::steady_clock::time_point now() const = 0;
  virtual std::chrono::system_clock::time_point wall_time() const = 0;
  /// Waits that long. Throws Interrupted as soon as a stop is requested.
  virtual void sleep_for(std::chrono::milliseconds duration, const std::stop_token& stop) = 0;
};

/// The real clock. Stateless; safe from any thread.
class SystemClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override;
  std::chrono::system_clock::time_point wall_time() const override;
  void sleep_for(std::chrono::milliseconds duration, const std::stop_token& stop) override;
};

}  // namespace envtool
