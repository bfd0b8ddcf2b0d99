#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "core/operation.h"

namespace envtool {

/// What a program says while it runs for a provisioner: shown line by line as it comes, secrets hidden, and
/// the end kept for an error. Owned by one thread.
class ProgramOutput {
 public:
  using Mask = std::function<std::string(std::string)>;
  /// Sees every line after it was hidden and shown.
  using Watcher = std::function<void(std::string_view)>;

  /// An empty `mask` hides nothing.
  ProgramOutput(Operation& operation, Mask mask, Watcher watcher = {});
  ProgramOutput(const ProgramOutput&) = delete;
  ProgramOutput& operator=(const ProgramOutput&) = delete;

  /// These take chunks, and live no longer than this object.
  std::function<void(std::string_view)> output_sink();
  std::function<void(std::string_view)> error_sink();
  /// To be called once the program ended: shows what had no line end.
  void finish();
  /// The last lines of its standard error, or of all it said where that was silent.
  std::string tail() const;

 private:
  void take(std::string_view line, std::deque<std::string>& kept);

  Operation& operation_;
  Mask mask_;
  Watcher watcher_;
  std::deque<std::string> all_;
  std::deque<std::string> errors_;
  LineSplitter output_lines_;
  LineSplitter error_lines_;
};

}  // namespace envtool
