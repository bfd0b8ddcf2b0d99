#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "core/host.h"

namespace envtool {

/// Passes everything on to another reporter and keeps it in a file, so that it can be read later. A log that
/// cannot be written does not fail the work it tells of. Safe from any thread, as the reporter behind it is.
class ReportLog : public Reporter {
 public:
  /// Of one machine: its file is started anew past a mebibyte. Of everything: lines name their machine, and
  /// the file, the user's own, only grows.
  enum class Of { one_machine, everything };
  ReportLog(Reporter& next, const Clock& clock, std::filesystem::path path, Of of = Of::one_machine)
      : next_(next), clock_(clock), path_(std::move(path)), of_(of) {}

  /// Writes a line into the file alone. False with errno when it cannot be written.
  bool note(std::string_view machine, std::string_view line);

  void product(std::string_view text) override { next_.product(text); }
  void document(const Value& value) override { next_.document(value); }
  void say(std::string_view machine, std::string_view sentence, Tone tone) override;
  void step_started(std::string_view machine, std::string_view step) override;
  void step_progress(std::string_view machine, const Progress& progress) override;
  void step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                     std::chrono::milliseconds elapsed) override;
  void output_line(std::string_view machine, std::string_view line) override;
  void error(std::string_view machine, const Error& error) override;

 private:
  Reporter& next_;
  const Clock& clock_;
  std::filesystem::path path_;
  Of of_;
  std::mutex mutex_;
};

}  // namespace envtool
