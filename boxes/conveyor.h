#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace envtool {

/// Works on what it is given on a thread of its own, in order, while whoever gives goes on: two cores share
/// what one would do alone. To be used by one thread.
template <class Item>
class Conveyor {
 public:
  /// At most `depth` items wait. `work` runs on the other thread until this is destroyed.
  Conveyor(std::size_t depth, std::function<void(Item&)> work)
      : depth_(depth), work_(std::move(work)), worker_([this](const std::stop_token& stop) { run(stop); }) {}
  /// What still waits is dropped.
  ~Conveyor() = default;
  Conveyor(const Conveyor&) = delete;
  Conveyor& operator=(const Conveyor&) = delete;

  /// Waits while there is no room. Gives an item back as `work` left it, so that its memory serves again, or
  /// a new one. Throws what `work` has thrown; nothing is worked on after that.
  Item give(Item item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || items_.size() < depth_; });
    if (failure_) std::rethrow_exception(failure_);
    items_.push_back(std::move(item));
    changed_.notify_all();
    if (used_.empty()) return {};
    Item used = std::move(used_.back());
    used_.pop_back();
    return used;
  }
  /// Waits until all that was given is worked on. Throws as `give` does.
  void finish() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return failure_ || (items_.empty() && !busy_); });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, stop, [this] { return !items_.empty(); });
      if (stop.stop_requested()) return;
      Item item = std::move(items_.front());
      items_.pop_front();
      busy_ = true;
      changed_.notify_all();
      lock.unlock();
      std::exception_ptr failure;
      try {
        work_(item);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      busy_ = false;
      used_.push_back(std::move(item));
      failure_ = failure;
      changed_.notify_all();
      if (failure_) return;
    }
  }

  std::size_t depth_;
  std::function<void(Item&)> work_;
  std::mutex mutex_;
  std::condition_variable_any changed_;  ///< one that a stop wakes, too
  std::deque<Item> items_;               ///< that wait
  std::vector<Item> used_;
  bool busy_ = false;
  std::exception_ptr failure_;
  std::jthread worker_;  ///< last: it is stopped and joined before what it uses goes
};

}  // namespace envtool
