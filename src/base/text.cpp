#include "base/text.h"

#include <fmt/format.h>
#include <fnmatch.h>

namespace envtool {

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0;;) {
    const size_t end = text.find(separator, begin);
    parts.emplace_back(text.substr(begin, end - begin));
    if (end == std::string_view::npos) return parts;
    begin = end + 1;
  }
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

std::string replace_all(std::string text, std::string_view from, std::string_view to) {
  if (from.empty()) return text;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
  return text;
}

std::string last_lines(std::string_view text, std::size_t count) {
  std::vector<std::string> lines;
  for (const std::string& line : split(text, '\n'))
    if (!trim(line).empty()) lines.push_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return join(lines, "\n");
}

std::string indent(std::string_view text, std::size_t spaces) {
  const std::string space(spaces, ' ');
  return space + replace_all(std::string(text), "\n", "\n" + space);
}

std::string count_of(std::size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

namespace {

/// How many continuation bytes follow this lead byte; -1 when it is none. `low` and `high` bound the first.
int continuation_bytes(unsigned char lead, unsigned char& low, unsigned char& high) {
  low = 0x80;
  high = 0xBF;
  if (lead < 0x80) return 0;
  if (lead < 0xC2 || lead > 0xF4) return -1;
  if (lead == 0xE0) low = 0xA0;
  if (lead == 0xED) high = 0x9F;
  if (lead == 0xF0) low = 0x90;
  if (lead == 0xF4) high = 0x8F;
  return lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
}

}  // namespace

bool is_utf8(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    unsigned char low, high;
    const int more = continuation_bytes(static_cast<unsigned char>(text[at]), low, high);
    if (more < 0) return false;
    for (int i = 0; i < more; ++i) {
      if (++at >= text.size()) return false;
      const auto byte = static_cast<unsigned char>(text[at]);
      if (byte < low || byte > high) return false;
      low = 0x80;
      high = 0xBF;
    }
  }
  return true;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (const char c : text)
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) ++width;
  return width;
}

bool glob_matches(std::string_view pattern, std::string_view name) {
  return ::fnmatch(std::string(pattern).c_str(), std::string(name).c_str(), 0) == 0;
}

void LineSplitter::add(std::string_view chunk) {
  for (size_t end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
    rest_ += chunk.substr(0, end);
    if (rest_.ends_with('\r')) rest_.pop_back();
    on_line_(rest_);
    rest_.clear();
    chunk.remove_prefix(end + 1);
  }
  rest_ += chunk;
}

void LineSplitter::finish() {
  if (!rest_.empty()) on_line_(rest_);
  rest_.clear();
}

}  // namespace envtool
