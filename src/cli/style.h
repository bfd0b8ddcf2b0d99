#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// How words look on this terminal, or in a file.
struct Style {
  bool colour = false;
  bool unicode = false;  ///< whether symbols beyond ASCII can be shown

  std::string bold(std::string_view text) const { return paint("1", text); }
  std::string dim(std::string_view text) const { return paint("2", text); }
  std::string red(std::string_view text) const { return paint("31;1", text); }
  std::string green(std::string_view text) const { return paint("32", text); }
  std::string yellow(std::string_view text) const { return paint("33", text); }
  std::string cyan(std::string_view text) const { return paint("36", text); }

 private:
  std::string paint(std::string_view code, std::string_view text) const;
};

/// Error::render's text with its label, places and hints coloured.
std::string paint_error(std::string_view rendered, const Style& style);

/// "0.4 s", "12 s", "3 min 05 s": as short as is still of use.
std::string show_elapsed(std::chrono::milliseconds elapsed);

/// The text cut to that many columns, with an ellipsis where something is left out.
std::string fit(std::string_view text, std::size_t columns, const Style& style);

/// Without control characters, so that a guest's output moves no cursor. Tabs become spaces, and colour codes
/// stay where `keep_colour`.
std::string tame(std::string_view line, bool keep_colour);

/// Rows as columns of equal width, two spaces apart; the last column is not padded, trailing blanks are cut.
std::string table(const std::vector<std::vector<std::string>>& rows, std::string_view indent = "");

}  // namespace envtool
