#pragma once

#include <functional>
#include <mutex>
#include <vector>

#include "base/cancel.h"
#include "base/process.h"
#include "base/shell.h"

namespace envtool {

/// A host whose programs are one function. Without it no program can be started. Safe from any thread.
class FakeProcesses : public ProcessRunner {
 public:
  std::function<ProcessResult(const ProcessSpec&)> answer;

  ProcessResult run(const ProcessSpec& spec, const std::stop_token& stop) override {
    throw_if_stopped(stop);
    return play(spec);
  }
  int run_attached(const ProcessSpec& spec) override { return play(spec).status; }
  int start_detached(const ProcessSpec& spec, const std::filesystem::path&) override {
    return play(spec).status;
  }

  /// The command lines so far.
  std::vector<std::string> calls() const {
    const std::lock_guard lock(mutex_);
    return calls_;
  }

 private:
  ProcessResult play(const ProcessSpec& spec) {
    {
      const std::lock_guard lock(mutex_);
      calls_.push_back(quote_command(spec.argv));
    }
    return answer ? answer(spec) : ProcessResult{.status = 127, .output = {}, .error = "no such program"};
  }

  mutable std::mutex mutex_;
  std::vector<std::string> calls_;
};

}  // namespace envtool
