#include "forward/log.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>

namespace envtool::forward {

namespace {

constexpr off_t size_limit = 1 << 20;
constexpr auto rare_interval = std::chrono::seconds(10);

}  // namespace

void log_line(std::string_view text) {
  struct stat status = {};
  // The file was opened to append, so the next line goes to its new end.
  if (::fstat(STDERR_FILENO, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > size_limit)
      [[maybe_unused]]
    const int ignored = ::ftruncate(STDERR_FILENO, 0);
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  const std::string line = fmt::format("{:%Y-%m-%dT%H:%M:%SZ} [{}] {}\n", fmt::gmtime(now), ::getpid(), text);
  [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, line.data(), line.size());
}

void log_rarely(std::string_view text) {
  using Clock = std::chrono::steady_clock;
  static Clock::time_point last;
  if (last != Clock::time_point() && Clock::now() - last < rare_interval) return;
  last = Clock::now();
  log_line(text);
}

}  // namespace envtool::forward
