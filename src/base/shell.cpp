#include "base/shell.h"

#include "base/text.h"

namespace envtool {

std::string quote_shell(std::string_view word) {
  constexpr std::string_view plain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string_view::npos) return std::string(word);
  return "'" + replace_all(std::string(word), "'", "'\\''") + "'";
}

std::string quote_command(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    // In front, `A=b` would be an assignment.
    const bool assignment = line.empty() && word.find('=') != std::string::npos && quote_shell(word) == word;
    if (!line.empty()) line += ' ';
    line += assignment ? "'" + word + "'" : quote_shell(word);
  }
  return line;
}

}  // namespace envtool
