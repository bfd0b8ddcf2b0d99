#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "cli/reporter_plain.h"

namespace envtool {

/// For people at a terminal: one live line for each machine at work, with its step, a bar where the total is
/// known, and the time it takes; it leaves with a sentence of success. What is said for good scrolls away
/// above the live lines. The cursor always stands below them, so nothing needs to be put right when the
/// program is killed. Safe from any thread.
class TerminalReporter : public Reporter {
 public:
  enum class Ticking { by_itself, by_hand };

  /// By itself, a thread moves the spinner as long as a step runs.
  TerminalReporter(Console& console, const Clock& clock, ReporterOptions options,
                   Ticking ticking = Ticking::by_itself);
  ~TerminalReporter() override;

  void product(std::string_view text) override;
  void document(const Value& value) override;
  void say(std::string_view machine, std::string_view sentence, Tone tone) override;
  void step_started(std::string_view machine, std::string_view step) override;
  void step_progress(std::string_view machine, const Progress& progress) override;
  void step_finished(std::string_view machine, std::string_view step, StepOutcome outcome,
                     std::chrono::milliseconds elapsed) override;
  void output_line(std::string_view machine, std::string_view line) override;
  void error(std::string_view machine, const Error& error) override;

  /// Draws the live lines anew.
  void tick();
  /// Takes the live lines away while another program has the terminal; what is said meanwhile waits.
  void pause();
  void resume();

 private:
  struct LiveLine {
    std::string machine;
    std::string step;
    std::chrono::steady_clock::time_point since;
    Progress progress = {};
    bool active = true;  ///< false between two steps: the line keeps its place
  };

  LiveLine* find(std::string_view machine);
  void scroll(const std::string& text);
  std::string live_region();
  std::string live_line(const LiveLine& line, std::size_t name_width, std::size_t columns) const;
  std::string prefixed(std::string_view machine, std::string_view text) const;
  void tick_until_stopped(const std::stop_token& stop);

  Console& console_;
  const Clock& clock_;
  const ReporterOptions options_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<LiveLine> lines_;
  std::size_t drawn_ = 0;  ///< live lines on the screen, above the cursor
  std::size_t frame_ = 0;
  int paused_ = 0;
  std::string held_back_;
  std::jthread ticker_;
};

}  // namespace envtool
