#pragma once

#include <mutex>

#include "base/clock.h"
#include "cli/console.h"
#include "cli/style.h"
#include "core/reporter.h"

namespace envtool {

enum class Detail { quiet, normal, verbose };

/// How reporters for people write.
struct ReporterOptions {
  Style style = {};
  Detail detail = Detail::normal;
  bool timestamps = false;
};

/// One line an event, the machine's name before it: for files, pipes and CI. Product goes to standard output,
/// everything else to standard error. Safe from any thread.
class PlainReporter : public Reporter {
 public:
  PlainReporter(Console& console, const Clock& clock, ReporterOptions options)
      : console_(console), clock_(clock), options_(options) {}

  void product(std::string_view text) override;
  void document(const Value& value) override;
  void say(std::string_view machine, std::string_view sentence, Tone tone) override;
  void step_started(std::string_view machine, std::string_view step) override;
  void step_progress(std::string_view machine, const Progress& progress) override;
  void step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                     std::chrono::milliseconds elapsed) override;
  void output_line(std::string_view machine, std::string_view line) override;
  void error(std::string_view machine, const Error& error) override;

 private:
  void line(std::string_view machine, std::string_view text);

  Console& console_;
  const Clock& clock_;
  ReporterOptions options_;
  std::mutex mutex_;
};

/// The text's lines, each behind `before`; a line end at its end adds none.
std::string indented(std::string_view text, std::string_view before);

/// "10:04:11 " in local time, for `--timestamps`.
std::string time_of_day(const Clock& clock);

/// The sentence in its tone's colour; "warning: " before a warning.
std::string toned(std::string_view sentence, Tone tone, const Style& style);

}  // namespace envtool
