#include "core/program_output.h"

namespace envtool {

namespace {

constexpr std::size_t lines_kept = 8;

void keep(std::deque<std::string>& lines, const std::string& line) {
  if (trim(line).empty()) return;
  lines.push_back(line);
  if (lines.size() > lines_kept) lines.pop_front();
}

}  // namespace

ProgramOutput::ProgramOutput(Operation& operation, Mask mask, Watcher watcher)
    : operation_(operation),
      mask_(std::move(mask)),
      watcher_(std::move(watcher)),
      output_lines_([this](std::string_view line) { take(line, all_); }),
      error_lines_([this](std::string_view line) {
        take(line, all_);
        keep(errors_, mask_ ? mask_(std::string(line)) : std::string(line));
      }) {}

std::function<void(std::string_view)> ProgramOutput::output_sink() {
  return [this](std::string_view chunk) { output_lines_.add(chunk); };
}

std::function<void(std::string_view)> ProgramOutput::error_sink() {
  return [this](std::string_view chunk) { error_lines_.add(chunk); };
}

void ProgramOutput::finish() {
  output_lines_.finish();
  error_lines_.finish();
}

std::string ProgramOutput::tail() const {
  const std::deque<std::string>& lines = errors_.empty() ? all_ : errors_;
  return join({lines.begin(), lines.end()}, "\n");
}

void ProgramOutput::take(std::string_view line, std::deque<std::string>& kept) {
  const std::string shown = mask_ ? mask_(std::string(line)) : std::string(line);
  operation_.host.reporter.output_line(operation_.machine, shown);
  keep(kept, shown);
  if (watcher_) watcher_(shown);
}

}  // namespace envtool
