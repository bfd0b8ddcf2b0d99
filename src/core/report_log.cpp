#include "core/report_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/files.h"
#include "core/state.h"

namespace envtool {

namespace {
constexpr off_t size_limit = 1 << 20;
}

bool ReportLog::note(std::string_view machine, std::string_view line) {
  const std::lock_guard lock(mutex_);
  const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat status = {};
  if (!fd || ::fstat(fd.get(), &status) != 0) return false;
  if (of_ == Of::one_machine && status.st_size > size_limit && ::ftruncate(fd.get(), 0) != 0) return false;
  const bool names = of_ == Of::everything && !machine.empty();
  const std::string text =
      fmt::format("{} {}{}{}\n", timestamp(clock_), names ? machine : "", names ? ": " : "", line);
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

void ReportLog::say(std::string_view machine, std::string_view sentence, Tone tone) {
  note(machine, sentence);
  next_.say(machine, sentence, tone);
}

void ReportLog::step_started(std::string_view machine, std::string_view step) {
  note(machine, fmt::format("{} ...", step));
  next_.step_started(machine, step);
}

void ReportLog::step_progress(std::string_view machine, const Progress& progress) {
  next_.step_progress(machine, progress);
}

void ReportLog::step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                              std::chrono::milliseconds elapsed) {
  static constexpr std::string_view words[] = {"done", "unchanged", "failed", "interrupted"};
  note(machine, fmt::format("{} {} after {} ms", step, words[static_cast<int>(outcome)], elapsed.count()));
  next_.step_finished(machine, step, outcome, elapsed);
}

void ReportLog::output_line(std::string_view machine, std::string_view line) {
  note(machine, fmt::format("| {}", line));
  next_.output_line(machine, line);
}

void ReportLog::error(std::string_view machine, const Error& error) {
  note(machine, error.render());
  next_.error(machine, error);
}

}  // namespace envtool
