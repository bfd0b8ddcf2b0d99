#include "core/scheduler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "base/cancel.h"

using namespace envtool;
using Result = TaskOutcome::Result;

namespace {

struct Log {
  std::mutex mutex;
  std::vector<std::string> order;

  Task task(const std::string& name, std::vector<std::string> after = {}) {
    return {name, std::move(after), [this, name] {
              const std::lock_guard lock(mutex);
              order.push_back(name);
            }};
  }
};

}  // namespace

TEST_CASE("a task runs after all that it comes after") {
  Log log;
  const std::vector<Task> tasks{log.task("web", {"db", "cache"}), log.task("cache", {"db"}), log.task("db")};

  run_tasks(tasks, 0, {});

  CHECK(log.order == std::vector<std::string>{"db", "cache", "web"});
}

TEST_CASE("a failed task's dependants are skipped and the others go on") {
  Log log;
  std::vector<Task> tasks{log.task("db"), log.task("web", {"db"}), log.task("proxy", {"web"}),
                          log.task("mail")};
  tasks[0].run = [] { throw Error(ErrorKind::failed, "disk full"); };

  const auto outcomes = run_tasks(tasks, 0, {});

  CHECK(outcomes[0].result == Result::failed);
  CHECK(std::string(outcomes[0].error->what()) == "disk full");
  CHECK(outcomes[1].result == Result::skipped);
  CHECK(outcomes[2].result == Result::skipped);
  CHECK(outcomes[2].skipped_because == "db");
  CHECK(outcomes[3].result == Result::done);
}

TEST_CASE("no more tasks run at a time than were allowed") {
  std::atomic<int> running{0}, most{0};
  std::vector<Task> tasks;
  for (int i = 0; i < 12; ++i)
    tasks.push_back({std::to_string(i), {}, [&] {
                       const int now = ++running;
                       int seen = most;
                       while (now > seen && !most.compare_exchange_weak(seen, now)) {
                       }
                       std::this_thread::sleep_for(std::chrono::milliseconds(2));
                       --running;
                     }});

  run_tasks(tasks, 3, {});

  CHECK(most <= 3);
}

TEST_CASE("after a stop request no further task starts") {
  std::stop_source source;
  Log log;
  std::vector<Task> tasks{log.task("db"), log.task("web", {"db"})};
  tasks[0].run = [&] {
    source.request_stop();
    throw Interrupted{};
  };

  const auto outcomes = run_tasks(tasks, 0, source.get_token());

  CHECK(outcomes[0].result == Result::interrupted);
  CHECK(outcomes[1].result == Result::skipped);
  CHECK(log.order.empty());
}

TEST_CASE("a name that is no task does not hold anything up") {
  Log log;

  const auto outcomes = run_tasks({log.task("web", {"not selected"})}, 0, {});

  CHECK(outcomes[0].result == Result::done);
}

TEST_CASE("thousands of tasks run") {
  std::atomic<int> count{0};
  std::vector<Task> tasks;
  for (int i = 0; i < 3000; ++i) tasks.push_back({std::to_string(i), {}, [&] { ++count; }});

  run_tasks(tasks, 0, {});

  CHECK(count == 3000);
}
