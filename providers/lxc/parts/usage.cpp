#include "providers/lxc/parts/usage.h"

#include <charconv>
#include <sstream>

#include "base/text.h"

namespace envtool::lxc {

namespace {

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  return code == std::errc() && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> number_in(const ControlReader& read, const char* file) {
  const auto text = read(file);
  return text ? number_of(trim(*text)) : std::nullopt;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// "usage_usec 1234" among the lines.
std::optional<std::int64_t> value_of(const std::string& text, std::string_view key) {
  for (const std::string& line : split(text, '\n'))
    if (const auto words = words_of(line); words.size() == 2 && words[0] == key) return number_of(words[1]);
  return std::nullopt;
}

void add_disk_v1(UsageValues& usage, const std::string& text) {
  usage.disk_read = usage.disk_written = 0;
  for (const std::string& line : split(text, '\n')) {
    const auto words = words_of(line);  // "8:0 Read 4096", and a total without a device
    if (words.size() != 3) continue;
    if (words[1] == "Read") *usage.disk_read += number_of(words[2]).value_or(0);
    if (words[1] == "Write") *usage.disk_written += number_of(words[2]).value_or(0);
  }
}

void add_disk_v2(UsageValues& usage, const std::string& text) {
  usage.disk_read = usage.disk_written = 0;
  for (const std::string& line : split(text, '\n'))
    for (const std::string& word : words_of(line)) {  // "8:0 rbytes=4096 wbytes=0 ..."
      if (word.starts_with("rbytes=")) *usage.disk_read += number_of(word.substr(7)).value_or(0);
      if (word.starts_with("wbytes=")) *usage.disk_written += number_of(word.substr(7)).value_or(0);
    }
}

}  // namespace

UsageValues usage_in(const ControlReader& read) {
  UsageValues usage;
  usage.cpu_nanoseconds = number_in(read, "cpuacct.usage");
  if (!usage.cpu_nanoseconds)
    if (const auto microseconds = value_of(read("cpu.stat").value_or(""), "usage_usec"))
      usage.cpu_nanoseconds = *microseconds * 1000;
  usage.memory = number_in(read, "memory.usage_in_bytes");
  if (!usage.memory) usage.memory = number_in(read, "memory.current");
  if (const auto text = read("blkio.throttle.io_service_bytes_recursive"))
    add_disk_v1(usage, *text);
  else if (const auto unified = read("io.stat"))
    add_disk_v2(usage, *unified);
  usage.processes = number_in(read, "pids.current");
  return usage;
}

void add_network(UsageValues& usage, std::string_view net_dev) {
  usage.received = usage.sent = 0;
  for (const std::string& line : split(net_dev, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)) == "lo") continue;
    const auto words = words_of(line.substr(colon + 1));
    if (words.size() < 9) continue;
    *usage.received += number_of(words[0]).value_or(0);
    *usage.sent += number_of(words[8]).value_or(0);
  }
}

}  // namespace envtool::lxc
