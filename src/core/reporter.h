#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/value.h"

namespace envtool {

enum class Tone { plain, success, warning };
enum class StepOutcome { done, unchanged, failed, interrupted };

/// How far a step is; `total` 0 means that it is not known.
struct Progress {
  std::uint64_t done = 0;
  std::uint64_t total = 0;
  std::string unit = {};  ///< "B" for bytes, else empty
};

/// The door to the user. Calls come from any thread and never throw. `machine` is empty for the project
/// itself.
class Reporter {
 public:
  virtual ~Reporter() = default;

  /// What a command is asked for: standard output, as it is. With `--json`, not called but `document` is.
  virtual void product(std::string_view text) = 0;
  /// The same as data: a document of its own, or with `up`, `provision`, `destroy` one event of the stream.
  /// Reporters for people ignore it.
  virtual void document(const Value& value) = 0;
  /// A sentence for the user, on standard error.
  virtual void say(std::string_view machine, std::string_view sentence, Tone tone = Tone::plain) = 0;
  virtual void step_started(std::string_view machine, std::string_view step) = 0;
  virtual void step_progress(std::string_view machine, const Progress& progress) = 0;
  virtual void step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                             std::chrono::milliseconds elapsed) = 0;
  /// One line that a program said (a provisioner, a hook), without its line end.
  virtual void output_line(std::string_view machine, std::string_view line) = 0;
  virtual void error(std::string_view machine, const Error& error) = 0;
};

}  // namespace envtool
