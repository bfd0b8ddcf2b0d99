#pragma once

#include <mutex>

#include "cli/console.h"
#include "core/reporter.h"

namespace envtool {

/// `--json`. Standard output carries one document, or with `stream` one object a line for everything that
/// happens; tests/data/schema holds the schemas. What is not part of the document goes to standard error in
/// words, so that a program that reads the output never meets any. Safe from any thread.
class JsonReporter : public Reporter {
 public:
  JsonReporter(Console& console, bool stream) : console_(console), stream_(stream) {}

  void product(std::string_view text) override;
  void document(const Value& value) override;
  void say(std::string_view machine, std::string_view sentence, Tone tone) override;
  void step_started(std::string_view machine, std::string_view step) override;
  void step_progress(std::string_view machine, const Progress& progress) override;
  void step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                     std::chrono::milliseconds elapsed) override;
  void output_line(std::string_view machine, std::string_view line) override;
  void error(std::string_view machine, const Error& error) override;

  /// Ends a stream with a `result` event that names no machine, unless it has just had its own.
  void end(int exit_code);

 private:
  void event(std::string_view kind, std::string_view machine, Value::Map members);

  Console& console_;
  bool stream_;
  std::mutex mutex_;
  bool has_ended_ = false;  ///< the last line was a result
};

/// The problems as data: a list of `text`, `hint`, `file`, `line`, `column`.
Value to_value(const std::vector<Diagnostic>& diagnostics);
/// "bad_envfile": the exit code's name.
std::string_view to_string(ErrorKind kind);

}  // namespace envtool
