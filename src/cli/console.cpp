#include "cli/console.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

#include "base/cancel.h"
#include "base/error.h"
#include "base/files.h"
#include "cli/exit_code.h"

namespace envtool {

namespace {

/// 0, or the errno of what could not be written.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(fd, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    text.remove_prefix(static_cast<size_t>(count));
  }
  return 0;
}

/// 0 at the end of the input.
size_t read_some(char* buffer, size_t size) {
  for (;;) {
    const ssize_t count = ::read(STDIN_FILENO, buffer, size);
    if (count >= 0) return static_cast<size_t>(count);
    if (errno != EINTR)
      throw Error(ErrorKind::failed, fmt::format("cannot read standard input: {}", errno_text(errno)));
  }
}

}  // namespace

void SystemConsole::write_output(std::string_view text) {
  const int error = write_all(output_, text);
  if (error != 0 && error != EPIPE) lost_output_ = error;
}
void SystemConsole::write_error(std::string_view text) { write_all(STDERR_FILENO, text); }

int SystemConsole::finish(int code) {
  if (lost_output_ == 0) return code;
  const Error error(ErrorKind::failed,
                    fmt::format("cannot write standard output: {}", errno_text(lost_output_)));
  write_error(error.render());
  return code == exit_code::done ? exit_code::failed : code;
}

std::string SystemConsole::read_input() {
  std::string text;
  char buffer[65536];
  while (const size_t count = read_some(buffer, sizeof buffer)) text.append(buffer, count);
  return text;
}

std::optional<std::string> SystemConsole::read_line(const std::stop_token& stop) {
  constexpr int look_again = 50;  // milliseconds
  std::string line;
  for (char c = 0;;) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (::poll(&input, 1, look_again) <= 0) throw_if_stopped(stop);
    if (read_some(&c, 1) == 0) return line.empty() ? std::nullopt : std::optional(line);
    if (c == '\n') return line;
    line += c;
  }
}

bool SystemConsole::input_is_terminal() const { return ::isatty(STDIN_FILENO) == 1; }
bool SystemConsole::output_is_terminal() const { return ::isatty(output_) == 1; }
bool SystemConsole::error_is_terminal() const { return ::isatty(STDERR_FILENO) == 1; }

TerminalSize SystemConsole::size() const {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row == 0 ? 24 : size.ws_row};
}

}  // namespace envtool
