#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "core/host.h"

namespace envtool {

/// Passes everything on to another reporter and keeps what concerns a machine in its log file, so that it can
/// be read later. The file is started anew past a mebibyte. Safe from any thread, as the reporter behind it
/// is.
class MachineLog : public Reporter {
 public:
  MachineLog(Reporter& next, const Clock& clock, std::filesystem::path path)
      : next_(next), clock_(clock), path_(std::move(path)) {}

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
  void write(std::string_view line);

  Reporter& next_;
  const Clock& clock_;
  std::filesystem::path path_;
  std::mutex mutex_;
};

}  // namespace envtool
