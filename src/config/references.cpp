#include "config/references.h"

#include <utility>

#include "base/text.h"

namespace envtool {

std::optional<std::vector<TextPart>> split_references(std::string_view text) {
  std::vector<TextPart> parts;
  std::string literal;
  while (!text.empty()) {
    const std::size_t dollar = text.find('$');
    literal += text.substr(0, dollar);
    if (dollar == std::string_view::npos) break;
    text.remove_prefix(dollar);
    if (text.starts_with("${")) {
      const std::size_t end = text.find('}');
      if (end == std::string_view::npos) return std::nullopt;
      if (!literal.empty()) parts.push_back({false, std::exchange(literal, {})});
      parts.push_back({true, std::string(text.substr(2, end - 2))});
      text.remove_prefix(end + 1);
    } else {
      literal += '$';
      text.remove_prefix(text.starts_with("$$") ? 2 : 1);
    }
  }
  if (!literal.empty()) parts.push_back({false, literal});
  return parts;
}

std::string escape_references(std::string_view text) { return replace_all(std::string(text), "$", "$$"); }

}  // namespace envtool
