#include "core/machine_log.h"

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

void MachineLog::write(std::string_view line) {
  const std::lock_guard lock(mutex_);
  const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  struct stat status = {};
  // A log that cannot be written must not fail the work it tells of.
  if (!fd || ::fstat(fd.get(), &status) != 0) return;
  if (status.st_size > size_limit && ::ftruncate(fd.get(), 0) != 0) return;
  const std::string text = fmt::format("{} {}\n", timestamp(clock_), line);
  [[maybe_unused]] const ssize_t ignored = ::write(fd.get(), text.data(), text.size());
}

void MachineLog::say(std::string_view machine, std::string_view sentence, Tone tone) {
  write(sentence);
  next_.say(machine, sentence, tone);
}

void MachineLog::step_started(std::string_view machine, std::string_view step) {
  write(fmt::format("{} ...", step));
  next_.step_started(machine, step);
}

void MachineLog::step_progress(std::string_view machine, const Progress& progress) {
  next_.step_progress(machine, progress);
}

void MachineLog::step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                               std::chrono::milliseconds elapsed) {
  static constexpr std::string_view words[] = {"done", "unchanged", "failed", "interrupted"};
  write(fmt::format("{} {} after {} ms", step, words[static_cast<int>(outcome)], elapsed.count()));
  next_.step_finished(machine, step, outcome, elapsed);
}

void MachineLog::output_line(std::string_view machine, std::string_view line) {
  write(fmt::format("| {}", line));
  next_.output_line(machine, line);
}

void MachineLog::error(std::string_view machine, const Error& error) {
  write(error.render());
  next_.error(machine, error);
}

}  // namespace envtool
