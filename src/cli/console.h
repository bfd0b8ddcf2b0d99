#pragma once

#include <unistd.h>

#include <atomic>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace envtool {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

/// The door to the three standard streams. Safe from any thread as far as each call goes.
class Console {
 public:
  virtual ~Console() = default;
  /// Writes all of it at once. What cannot be written is lost; `SystemConsole::finish` tells.
  virtual void write_output(std::string_view text) = 0;
  virtual void write_error(std::string_view text) = 0;
  /// All of standard input. Throws Error(failed).
  virtual std::string read_input() = 0;
  /// One line without its end; nothing at the end of the input. Throws Interrupted on a stop request.
  virtual std::optional<std::string> read_line(const std::stop_token& stop) = 0;
  virtual bool input_is_terminal() const = 0;
  virtual bool output_is_terminal() const = 0;
  virtual bool error_is_terminal() const = 0;
  /// As it is now: terminals are resized.
  virtual TerminalSize size() const = 0;
};

/// The process's own streams.
class SystemConsole : public Console {
 public:
  /// Standard output is that descriptor, which stays the caller's.
  explicit SystemConsole(int output = STDOUT_FILENO) : output_(output) {}

  /// The exit code of a program that would end with `code`: lost output is a failure, which it says, but for
  /// a pipe whose reader has seen enough.
  int finish(int code);

  void write_output(std::string_view text) override;
  void write_error(std::string_view text) override;
  std::string read_input() override;
  std::optional<std::string> read_line(const std::stop_token& stop) override;
  bool input_is_terminal() const override;
  bool output_is_terminal() const override;
  bool error_is_terminal() const override;
  TerminalSize size() const override;

 private:
  int output_;
  std::atomic<int> lost_output_ = 0;  ///< the errno
};

}  // namespace envtool
