#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"

namespace envtool {

/// Something to do for one machine, once those it comes after are done.
struct Task {
  std::string name;
  std::vector<std::string> after;  ///< names of other tasks; names that are no task do not count
  std::function<void()> run;       ///< throws Error or Interrupted
};

struct TaskOutcome {
  std::string name;
  enum class Result { done, failed, skipped, interrupted } result = Result::done;
  std::optional<Error> error = {};
  std::string skipped_because = {};  ///< the failed task
};

/// Runs all tasks, each in a thread of its own, at most `jobs` at a time (0: as many as are ready, up to a
/// bound that keeps thousands of machines possible). A failed task's dependants are skipped, the others go
/// on; after a stop request no further task starts. Outcomes are in the order of the tasks. The tasks form no
/// cycle.
std::vector<TaskOutcome> run_tasks(const std::vector<Task>& tasks, int jobs, const std::stop_token& stop);

}  // namespace envtool
