#include "cli/style.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace envtool {

std::string Style::paint(std::string_view code, std::string_view text) const {
  return colour && !text.empty() ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string paint_error(std::string_view rendered, const Style& style) {
  std::string out;
  for (const std::string& line : split(rendered, '\n')) {
    if (!out.empty()) out += '\n';
    if (line.starts_with("error: "))
      out += style.red("error:") + line.substr(6);
    else if (line.starts_with("  --> "))
      out += style.dim(line);
    else if (line.starts_with("  hint: "))
      out += "  " + style.cyan("hint:") + line.substr(7);
    else if (line.starts_with("   | ") && trim(line.substr(5)) == "^")
      out += line.substr(0, line.size() - 1) + style.red("^");
    else
      out += line;
  }
  return out;
}

std::string show_elapsed(std::chrono::milliseconds elapsed) {
  const auto count = elapsed.count();
  if (count < 9'950) return fmt::format("{:.1f} s", static_cast<double>(count) / 1000);
  if (count < 59'500) return fmt::format("{} s", (count + 500) / 1000);
  const auto seconds = (count + 500) / 1000;
  if (seconds < 3600) return fmt::format("{} min {:02} s", seconds / 60, seconds % 60);
  return fmt::format("{} h {:02} min", seconds / 3600, seconds / 60 % 60);
}

std::string fit(std::string_view text, std::size_t columns, const Style& style) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view ellipsis = style.unicode ? "…" : std::string_view("...").substr(0, columns);
  const std::size_t room = columns - std::min(columns, display_width(ellipsis));
  std::size_t width = 0, at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    if (width++ == room) break;
  }
  return std::string(text.substr(0, at)) + std::string(ellipsis);
}

namespace {

/// The length of a colour sequence ("ESC [ digits m") at the beginning, or 0.
std::size_t colour_code_length(std::string_view text) {
  if (!text.starts_with("\x1b[")) return 0;
  const std::size_t end = text.find_first_not_of("0123456789;", 2);
  return end != std::string_view::npos && text[end] == 'm' ? end + 1 : 0;
}

}  // namespace

std::string tame(std::string_view line, bool keep_colour) {
  // A program that draws a progress bar overwrites its line: what it wrote last is what counts.
  while (line.ends_with('\r')) line.remove_suffix(1);
  if (const std::size_t last = line.rfind('\r'); last != std::string_view::npos) line.remove_prefix(last + 1);
  std::string out;
  bool coloured = false;
  while (!line.empty()) {
    if (const std::size_t length = colour_code_length(line)) {
      if (keep_colour) out += line.substr(0, length);
      coloured = keep_colour;
      line.remove_prefix(length);
      continue;
    }
    const auto c = static_cast<unsigned char>(line[0]);
    if (c == '\t')
      out += "    ";
    else if (c >= 0x20 && c != 0x7f)
      out += line[0];
    line.remove_prefix(1);
  }
  return coloured ? out + "\x1b[0m" : out;
}

namespace {
std::size_t visible_width(std::string_view text) { return display_width(tame(text, false)); }
}  // namespace

std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view indent) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i >= widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], visible_width(row[i]));
    }
  std::string out;
  for (const auto& row : rows) {
    std::string line(indent);
    for (std::size_t i = 0; i < row.size(); ++i)
      line += row[i] + std::string(i + 1 < row.size() ? widths[i] + 2 - visible_width(row[i]) : 0, ' ');
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace envtool
