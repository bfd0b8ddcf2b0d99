#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// The last `count` lines that are not blank, without a line end after the last.
std::string last_lines(std::string_view text, std::size_t count);
/// Every line behind that many spaces.
std::string indent(std::string_view text, std::size_t spaces);
/// "1 machine", "3 machines".
std::string count_of(std::size_t number, std::string_view noun);
/// Whether the bytes are well-formed UTF-8.
bool is_utf8(std::string_view text);
/// Columns a terminal needs for the text; each code point counts as one.
std::size_t display_width(std::string_view text);
/// Whether a shell glob (`*`, `?`, `[...]`) matches the whole name.
bool glob_matches(std::string_view pattern, std::string_view name);

/// Cuts a stream of chunks into lines. The rest without a line end comes out of `finish`.
class LineSplitter {
 public:
  explicit LineSplitter(std::function<void(std::string_view)> on_line) : on_line_(std::move(on_line)) {}
  void add(std::string_view chunk);
  void finish();

 private:
  std::function<void(std::string_view)> on_line_;
  std::string rest_;
};

}  // namespace envtool
