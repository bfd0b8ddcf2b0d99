#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/cancel.h"
#include "core/operation.h"
#include "tests/support/scripted_runner.h"

namespace envtool {

/// A clock that stands still but for waiting, which takes no time.
class ManualClock : public Clock {
 public:
  std::chrono::steady_clock::time_point now() const override { return now_; }
  std::chrono::system_clock::time_point wall_time() const override {
    return std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(now_.time_since_epoch()));
  }
  void sleep_for(std::chrono::milliseconds duration, const std::stop_token& stop) override {
    throw_if_stopped(stop);
    advance(duration);
  }
  void advance(std::chrono::milliseconds duration) { now_ += duration; }

 private:
  std::chrono::steady_clock::time_point now_{std::chrono::hours(1)};
};

/// Keeps what was said. Safe from several threads while they run; read it after they ended.
class RecordingReporter : public Reporter {
 public:
  std::string products;
  std::vector<Value> documents;
  std::vector<std::string> sentences;  ///< "web: created", or the sentence alone for the project
  std::vector<std::string> steps;      ///< "web: start", when it started
  std::vector<std::string> lines;      ///< output of programs, without the machine
  std::vector<std::string> errors;

  void product(std::string_view text) override {
    locked([&] { products += text; });
  }
  void document(const Value& value) override {
    locked([&] { documents.push_back(value); });
  }
  void say(std::string_view machine, std::string_view sentence, Tone) override {
    locked([&] { sentences.push_back(behind(machine, sentence)); });
  }
  void step_started(std::string_view machine, std::string_view step) override {
    locked([&] { steps.push_back(behind(machine, step)); });
  }
  void step_progress(std::string_view, const Progress&) override {}
  void step_finished(std::string_view, std::string_view, StepOutcome, std::chrono::milliseconds) override {}
  void output_line(std::string_view, std::string_view line) override {
    locked([&] { lines.emplace_back(line); });
  }
  void error(std::string_view machine, const Error& error) override {
    locked([&] { errors.push_back(behind(machine, error.what())); });
  }

 private:
  template <class Action>
  void locked(Action action) {
    const std::lock_guard lock(mutex_);
    action();
  }
  static std::string behind(std::string_view machine, std::string_view text) {
    return machine.empty() ? std::string(text) : std::string(machine) + ": " + std::string(text);
  }

  std::mutex mutex_;
};

/// A host without programs, time or terminal, and an operation on it.
struct ScriptedHost {
  ScriptedRunner runner;
  ManualClock clock;
  RecordingReporter reporter;
  Host host{runner, clock, reporter, {}, {}, "/project"};
  Operation operation{host, "web", {}};
};

}  // namespace envtool
