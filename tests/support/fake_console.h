#pragma once

#include <deque>
#include <mutex>
#include <string>

#include "base/cancel.h"
#include "cli/console.h"

namespace envtool {

/// Standard streams as texts. Safe from any thread as far as writing goes.
class FakeConsole : public Console {
 public:
  std::string output, errors;       ///< what was written
  std::deque<std::string> answers;  ///< lines that the user types
  std::string input;                ///< all of standard input, when it is read as a whole
  bool input_terminal = false, output_terminal = false, error_terminal = false;
  TerminalSize terminal_size = {};

  void write_output(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    output += text;
  }
  void write_error(std::string_view text) override {
    const std::lock_guard lock(mutex_);
    errors += text;
  }
  std::string read_input() override { return input; }
  std::optional<std::string> read_line(const std::stop_token& stop) override {
    throw_if_stopped(stop);
    if (answers.empty()) return std::nullopt;
    std::string line = std::move(answers.front());
    answers.pop_front();
    return line;
  }
  bool input_is_terminal() const override { return input_terminal; }
  bool output_is_terminal() const override { return output_terminal; }
  bool error_is_terminal() const override { return error_terminal; }
  TerminalSize size() const override { return terminal_size; }

 private:
  std::mutex mutex_;
};

}  // namespace envtool
