#include "core/journal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "core/state.h"

namespace envtool {

namespace {

constexpr std::size_t checksum_digits = 16;

std::string checksum(std::string_view text) { return fnv1a(text); }

}  // namespace

Journal::Journal(std::filesystem::path path, const Clock& clock) : path_(std::move(path)), clock_(clock) {}

void Journal::append(const std::string& event, const std::string& step) {
  const std::string text = fmt::format("{} {} {}", timestamp(clock_), event, step);
  const std::string line = fmt::format("{} {}\n", checksum(text), text);
  const UniqueFd fd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd || ::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path_.string(), errno_text(errno)));
}

void Journal::begin(const std::string& step) { append("begin", step); }
void Journal::done(const std::string& step) { append("done", step); }

std::vector<std::string> Journal::unfinished() const {
  std::vector<std::string> open;
  const std::string text = read_file_if_there(path_).value_or("");
  for (const std::string& line : split(text, '\n')) {
    if (line.size() <= checksum_digits ||
        checksum(line.substr(checksum_digits + 1)) != line.substr(0, checksum_digits))
      break;
    const std::vector<std::string> words = split(line.substr(checksum_digits + 1), ' ');
    if (words.size() < 3) break;
    const std::string step = join({words.begin() + 2, words.end()}, " ");
    std::erase(open, step);
    if (words[1] == "begin") open.push_back(step);
  }
  return open;
}

void Journal::clear() {
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace envtool
