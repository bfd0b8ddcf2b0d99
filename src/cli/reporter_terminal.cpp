#include "cli/reporter_terminal.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/size.h"
#include "base/text.h"

namespace envtool {

namespace {

using namespace std::chrono_literals;
constexpr auto frame_time = 100ms;
constexpr std::size_t bar_width = 24;

std::string bar(const Progress& progress, const Style& style) {
  const double part = std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
  const auto filled = static_cast<std::size_t>(part * static_cast<double>(bar_width));
  std::string out;
  for (std::size_t i = 0; i < bar_width; ++i)
    out += i < filled ? (style.unicode ? "━" : "#") : (style.unicode ? "─" : "-");
  return fmt::format("{} {:3.0f}%", out, part * 100);
}

std::string amount(const Progress& progress) {
  if (progress.unit == "B") return ByteSize{progress.done}.to_string();
  return fmt::format("{}{}{}", progress.done, progress.unit.empty() ? "" : " ", progress.unit);
}

std::string spinner(std::size_t frame, const Style& style) {
  static constexpr std::string_view braille[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
  static constexpr std::string_view ascii[] = {"-", "\\", "|", "/"};
  return std::string(style.unicode ? braille[frame % std::size(braille)] : ascii[frame % std::size(ascii)]);
}

}  // namespace

TerminalReporter::TerminalReporter(Console& console, const Clock& clock, ReporterOptions options,
                                   Ticking ticking)
    : console_(console), clock_(clock), options_(options) {
  if (ticking == Ticking::by_itself && options.detail != Detail::quiet)
    ticker_ = std::jthread([this](const std::stop_token& stop) { tick_until_stopped(stop); });
}

TerminalReporter::~TerminalReporter() {
  ticker_ = {};
  const std::lock_guard lock(mutex_);
  lines_.clear();
  if (paused_ == 0) scroll("");
}

void TerminalReporter::tick_until_stopped(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto is_active = [](const LiveLine& line) { return line.active; };
    changed_.wait(lock, stop,
                  [&] { return paused_ == 0 && std::any_of(lines_.begin(), lines_.end(), is_active); });
    if (stop.stop_requested()) return;
    scroll("");
    ++frame_;
    changed_.wait_for(lock, stop, frame_time, [] { return false; });
  }
}

TerminalReporter::LiveLine* TerminalReporter::find(std::string_view machine) {
  for (LiveLine& line : lines_)
    if (line.machine == machine) return &line;
  return nullptr;
}

std::string TerminalReporter::live_line(const LiveLine& line, std::size_t name_width,
                                        std::size_t columns) const {
  const Style& style = options_.style;
  const std::string name = line.machine + std::string(name_width - display_width(line.machine), ' ');
  std::string tail;
  if (line.progress.total > 0)
    tail = bar(line.progress, style);
  else if (line.progress.done > 0)
    tail = amount(line.progress);
  const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - line.since);
  if (line.active && elapsed >= 1s) tail += (tail.empty() ? "" : "  ") + show_elapsed(elapsed);
  // Spinner, name, step, tail: what does not fit is taken from the step.
  const std::size_t taken =
      2 + (name_width > 0 ? name_width + 2 : 0) + (tail.empty() ? 0 : display_width(tail) + 2);
  const std::string step = fit(line.step, columns > taken ? columns - taken : 0, style);
  std::string out =
      (line.active ? style.cyan(spinner(frame_, style)) : style.green(style.unicode ? "✓" : "*")) + " ";
  if (name_width > 0) out += style.bold(name) + "  ";
  out += step;
  if (!tail.empty()) out += "  " + style.dim(tail);
  return taken < columns ? out : fit(line.machine, columns, style);
}

std::string TerminalReporter::live_region() {
  const TerminalSize size = console_.size();
  const auto rows = static_cast<std::size_t>(std::max(3, size.rows));
  const auto columns = static_cast<std::size_t>(std::max(10, size.columns - 1));
  const std::size_t shown = lines_.size() < rows ? lines_.size() : rows - 2;
  std::size_t name_width = 0;
  for (const LiveLine& line : lines_) name_width = std::max(name_width, display_width(line.machine));
  std::string out;
  for (std::size_t i = 0; i < shown; ++i) out += live_line(lines_[i], name_width, columns) + "\x1b[K\n";
  drawn_ = shown;
  if (shown < lines_.size()) {
    out += fit(fmt::format("  and {} more", lines_.size() - shown), columns, options_.style) + "\x1b[K\n";
    ++drawn_;
  }
  return out;
}

/// Puts lines above the live ones, in one write so that nothing flickers.
void TerminalReporter::scroll(const std::string& text) {
  if (paused_ > 0) {
    held_back_ += text;
    return;
  }
  std::string out;
  // The terminal's own "^C" may have moved the cursor along its line.
  if (drawn_ > 0) out = fmt::format("\r\x1b[{}A", drawn_) + (text.empty() ? "" : "\x1b[J");
  const std::size_t before = drawn_;
  out += text + live_region();
  if (drawn_ < before) out += "\x1b[J";
  if (!out.empty()) console_.write_error(out);
}

std::string TerminalReporter::prefixed(std::string_view machine, std::string_view text) const {
  const std::string time = options_.timestamps ? options_.style.dim(time_of_day(clock_)) : std::string();
  return indented(text,
                  time + (machine.empty() ? "" : options_.style.bold(fmt::format("{}:", machine)) + " "));
}

void TerminalReporter::product(std::string_view text) {
  const std::lock_guard lock(mutex_);
  // Standard output may be the same terminal: nothing live may stand where it goes.
  if (drawn_ > 0) console_.write_error(fmt::format("\r\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
  console_.write_output(text);
  if (paused_ == 0) scroll("");
}

void TerminalReporter::document(const Value&) {}

void TerminalReporter::say(std::string_view machine, std::string_view sentence, Tone tone) {
  if (options_.detail == Detail::quiet && tone != Tone::warning) return;
  const std::lock_guard lock(mutex_);
  if (tone == Tone::success)
    std::erase_if(lines_, [&](const LiveLine& line) { return line.machine == machine; });
  scroll(prefixed(machine, toned(sentence, tone, options_.style)));
}

void TerminalReporter::step_started(std::string_view machine, std::string_view step) {
  if (options_.detail == Detail::quiet) return;
  const std::lock_guard lock(mutex_);
  if (find(machine) == nullptr) lines_.push_back({.machine = std::string(machine)});
  LiveLine& line = *find(machine);
  line.step = tame(step, false);
  line.since = clock_.now();
  line.progress = {};
  line.active = true;
  scroll("");
  changed_.notify_all();
}

void TerminalReporter::step_progress(std::string_view machine, const Progress& progress) {
  const std::lock_guard lock(mutex_);
  if (LiveLine* line = find(machine)) line->progress = progress;
}

void TerminalReporter::step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                                     std::chrono::milliseconds elapsed) {
  if (options_.detail == Detail::quiet) return;
  const std::lock_guard lock(mutex_);
  const bool good = outcome == StepOutcome::done || outcome == StepOutcome::unchanged;
  if (LiveLine* line = find(machine)) {
    line->active = false;
    line->progress = {};
  }
  if (!good) std::erase_if(lines_, [&](const LiveLine& line) { return line.machine == machine; });
  const Style& style = options_.style;
  const std::string took = "  " + style.dim(show_elapsed(elapsed));
  std::string text;
  if (outcome == StepOutcome::failed)
    text = prefixed(machine, style.red("failed: ") + std::string(step) + took);
  if (outcome == StepOutcome::interrupted)
    text = prefixed(machine, style.yellow("interrupted: ") + std::string(step) + took);
  if (outcome == StepOutcome::done && options_.detail == Detail::verbose)
    text = prefixed(machine, std::string(step) + took);
  scroll(text);
}

void TerminalReporter::output_line(std::string_view machine, std::string_view text) {
  if (options_.detail == Detail::quiet) return;
  const std::lock_guard lock(mutex_);
  scroll(prefixed(machine, "  " + tame(text, options_.style.colour)));
}

void TerminalReporter::error(std::string_view, const Error& error) {
  const std::lock_guard lock(mutex_);
  scroll(paint_error(error.render(), options_.style));
}

void TerminalReporter::tick() {
  const std::lock_guard lock(mutex_);
  ++frame_;
  scroll("");
}

void TerminalReporter::pause() {
  const std::lock_guard lock(mutex_);
  if (paused_++ > 0 || drawn_ == 0) return;
  console_.write_error(fmt::format("\r\x1b[{}A\x1b[J", drawn_));
  drawn_ = 0;
}

void TerminalReporter::resume() {
  const std::lock_guard lock(mutex_);
  if (--paused_ > 0) return;
  scroll(std::exchange(held_back_, {}));
  changed_.notify_all();
}

}  // namespace envtool
