#include "core/scheduler.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/cancel.h"

namespace envtool {

namespace {

constexpr int most_threads = 64;

class Scheduler {
 public:
  Scheduler(const std::vector<Task>& tasks, std::stop_token stop) : tasks_(tasks), stop_(std::move(stop)) {
    for (size_t i = 0; i < tasks.size(); ++i) index_[tasks[i].name] = i;
    outcomes_.resize(tasks.size());
    waiting_for_.resize(tasks.size());
    for (size_t i = 0; i < tasks.size(); ++i) {
      outcomes_[i].name = tasks[i].name;
      for (const std::string& name : tasks[i].after)
        if (index_.contains(name)) waiting_for_[i].insert(index_[name]);
      if (waiting_for_[i].empty()) ready_.push_back(i);
    }
  }

  std::vector<TaskOutcome> run(int jobs) {
    const size_t limit = static_cast<size_t>(jobs > 0 ? std::min(jobs, most_threads) : most_threads);
    {
      std::vector<std::jthread> workers;
      for (size_t i = 0; i < std::min(limit, tasks_.size()); ++i) workers.emplace_back([this] { work(); });
    }
    return std::move(outcomes_);
  }

 private:
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return !ready_.empty() || finished_ == tasks_.size(); });
      if (ready_.empty()) return;
      const size_t task = ready_.front();
      ready_.erase(ready_.begin());
      TaskOutcome& outcome = outcomes_[task];
      if (outcome.result != TaskOutcome::Result::skipped) {
        lock.unlock();
        run_one(tasks_[task], outcome);
        lock.lock();
      }
      finish(task);
    }
  }

  void run_one(const Task& task, TaskOutcome& outcome) const {
    using Result = TaskOutcome::Result;
    if (stop_.stop_requested()) {
      outcome.result = Result::interrupted;
      return;
    }
    try {
      task.run();
    } catch (const Error& error) {
      outcome.result = Result::failed;
      outcome.error = error;
    } catch (const Interrupted&) {
      outcome.result = Result::interrupted;
    } catch (const std::exception& surprise) {
      outcome.result = Result::failed;
      outcome.error = Error(ErrorKind::failed, surprise.what());
    }
  }

  void finish(size_t task) {
    const TaskOutcome& outcome = outcomes_[task];
    const bool bad = outcome.result != TaskOutcome::Result::done;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      if (waiting_for_[i].erase(task) == 0) continue;
      if (bad) {
        outcomes_[i].result = TaskOutcome::Result::skipped;
        outcomes_[i].skipped_because =
            outcome.skipped_because.empty() ? outcome.name : outcome.skipped_because;
      }
      if (waiting_for_[i].empty()) ready_.push_back(i);
    }
    ++finished_;
    changed_.notify_all();
  }

  const std::vector<Task>& tasks_;
  const std::stop_token stop_;
  std::map<std::string, size_t> index_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::set<size_t>> waiting_for_;
  std::vector<size_t> ready_;
  std::vector<TaskOutcome> outcomes_;
  size_t finished_ = 0;
};

}  // namespace

std::vector<TaskOutcome> run_tasks(const std::vector<Task>& tasks, int jobs, const std::stop_token& stop) {
  return Scheduler(tasks, stop).run(jobs);
}

}  // namespace envtool
