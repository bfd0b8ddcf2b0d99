#include "cli/reporter_plain.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "base/text.h"

namespace envtool {

std::string time_of_day(const Clock& clock) {
  const std::time_t now = std::chrono::system_clock::to_time_t(clock.wall_time());
  std::tm local = {};
  ::localtime_r(&now, &local);
  return fmt::format("{:%H:%M:%S} ", local);
}

std::string indented(std::string_view text, std::string_view before) {
  std::string out;
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (const std::string& line : split(text, '\n')) out += fmt::format("{}{}\n", before, line);
  return out;
}

std::string toned(std::string_view sentence, Tone tone, const Style& style) {
  switch (tone) {
    case Tone::plain:
      return std::string(sentence);
    case Tone::success:
      return style.green(sentence);
    case Tone::warning:
      return style.yellow("warning:") + " " + std::string(sentence);
  }
  return std::string(sentence);
}

void PlainReporter::line(std::string_view machine, std::string_view text) {
  const std::string before = options_.timestamps ? time_of_day(clock_) : std::string();
  const std::string name = machine.empty() ? std::string() : fmt::format("{}: ", machine);
  const std::string lines = indented(text, before + name);
  const std::lock_guard lock(mutex_);
  console_.write_error(lines);
}

void PlainReporter::product(std::string_view text) {
  const std::lock_guard lock(mutex_);
  console_.write_output(text);
}

void PlainReporter::document(const Value&) {}

void PlainReporter::say(std::string_view machine, std::string_view sentence, Tone tone) {
  if (options_.detail == Detail::quiet && tone != Tone::warning) return;
  line(machine, toned(sentence, tone, options_.style));
}

void PlainReporter::step_started(std::string_view machine, std::string_view step) {
  if (options_.detail != Detail::quiet) line(machine, step);
}

void PlainReporter::step_progress(std::string_view, const Progress&) {}

void PlainReporter::step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                                  std::chrono::milliseconds elapsed) {
  if (options_.detail == Detail::quiet || outcome == StepOutcome::unchanged) return;
  const std::string took = show_elapsed(elapsed);
  if (outcome == StepOutcome::failed) line(machine, fmt::format("{}: failed after {}", step, took));
  if (outcome == StepOutcome::interrupted) line(machine, fmt::format("{}: interrupted after {}", step, took));
  if (outcome == StepOutcome::done && options_.detail == Detail::verbose)
    line(machine, fmt::format("{}: done in {}", step, took));
}

void PlainReporter::output_line(std::string_view machine, std::string_view text) {
  if (options_.detail != Detail::quiet) line(machine, "  " + tame(text, options_.style.colour));
}

void PlainReporter::error(std::string_view, const Error& error) {
  const std::string text = paint_error(error.render(), options_.style);
  const std::lock_guard lock(mutex_);
  console_.write_error(text);
}

}  // namespace envtool
