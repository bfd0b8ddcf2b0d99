#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/load.h"
#include "config/scalar.h"

namespace envtool {

namespace {

/// Whether every YAML reader, 1.1 or 1.2, takes the bare text for text: words that begin with a letter, but
/// not those that mean a boolean or nothing to one of them.
bool is_safe_bare(const std::string& text) {
  static constexpr std::string_view words[] = {"true", "false", "null", "y",   "n",  "yes",
                                               "no",   "on",    "off",  "nan", "inf"};
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !(is_letter(text[0]) || text[0] == '/' || text[0] == '_')) return false;
  std::string lower = text;
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (std::ranges::find(words, lower) != std::end(words)) return false;
  return std::ranges::all_of(text, [&](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') ||
           std::string_view("._/@+-").find(c) != std::string_view::npos;
  });
}

/// Where a character begins that YAML readers break lines at or refuse: C1 controls, U+2028, U+2029, U+FEFF
/// and DEL.
std::size_t special_length(std::string_view text) {
  if (text.starts_with('\x7f')) return 1;
  if (text.size() > 1 && text[0] == '\xC2' && static_cast<unsigned char>(text[1]) < 0xA0) return 2;
  for (const std::string_view each : {"\xE2\x80\xA8", "\xE2\x80\xA9", "\xEF\xBB\xBF"})
    if (text.starts_with(each)) return each.size();
  return 0;
}

bool has_special(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at)
    if (special_length(text.substr(at)) > 0) return true;
  return false;
}

/// JSON's quoting is YAML's double quoting, but for the special characters.
std::string quoted(const std::string& text) {
  const std::string json = to_json(Value(text));
  std::string out;
  for (std::size_t at = 0; at < json.size();) {
    const std::string_view rest = std::string_view(json).substr(at);
    const std::size_t length = special_length(rest);
    if (length == 0)
      out += rest[0];
    else if (length < 3)
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(rest[length - 1]));
    else
      out += rest[0] == '\xEF' ? "\\ufeff" : rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
    at += std::max<std::size_t>(1, length);
  }
  return out;
}

std::string scalar_text(const Value& value) {
  if (value.is_text() || value.is_late())
    return is_safe_bare(value.as_text()) ? value.as_text() : quoted(value.as_text());
  std::string text = value.is_null() ? "null" : to_json(value);
  // YAML 1.1 knows "1.0e+20" but takes "1e+20" for text.
  if (value.is_real() && text.find('.') == std::string::npos)
    text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

/// A program is readable only in lines; what a block would change or could not hold needs quotes.
bool fits_block(const std::string& text) {
  const bool has_lines = text.find('\n') != std::string::npos && text[0] != ' ' && text[0] != '\n';
  return has_lines && !text.ends_with("\n\n") && !has_special(text) &&
         std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\n'; });
}

class Renderer {
 public:
  explicit Renderer(bool origins) : origins_(origins) {}

  std::string run(const Value& document) {
    if (document.is_map() && !document.members().empty())
      map(document, 0);
    else
      out_ += inline_text(document) + "\n";
    return std::move(out_);
  }

 private:
  static bool is_block(const Value& value) { return !value.members().empty() || !value.items().empty(); }

  static std::string inline_text(const Value& value) {
    if (value.is_map()) return "{}";
    return value.is_list() ? "[]" : scalar_text(value);
  }

  std::string origin(const Value& value) const {
    if (!origins_ || !value.position) return {};
    // A file's name may hold anything; a comment ends with its line.
    return fmt::format("  # {}:{}", replace_all(value.position.source->name, "\n", " "), value.position.line);
  }

  void map(const Value& value, std::size_t depth, bool first_inline = false) {
    for (const auto& [key, member] : value.members()) {
      if (!std::exchange(first_inline, false)) out_.append(depth, ' ');
      out_ += scalar_text(Value(key)) + ":";
      content(member, depth + 2);
    }
  }

  void list(const Value& value, std::size_t depth, bool first_inline = false) {
    for (const Value& item : value.items()) {
      if (!std::exchange(first_inline, false)) out_.append(depth, ' ');
      out_ += "-";
      if (!is_block(item)) {
        content(item, depth + 2);
        continue;
      }
      out_ += ' ';
      if (item.is_map())
        map(item, depth + 2, true);
      else
        list(item, depth + 2, true);
    }
  }

  /// What follows "key:" or "-".
  void content(const Value& value, std::size_t depth) {
    if (is_block(value)) {
      out_ += '\n';
      if (value.is_map())
        map(value, depth);
      else
        list(value, depth);
    } else if (value.is_text() && fits_block(value.as_text())) {
      const bool ends_line = value.as_text().ends_with('\n');
      out_ += fmt::format(" |{}{}\n", ends_line ? "" : "-", origin(value));
      for (const std::string& line :
           split(value.as_text().substr(0, value.as_text().size() - ends_line), '\n'))
        out_ += line.empty() ? "\n" : std::string(depth, ' ') + line + "\n";
    } else {
      out_ += " " + inline_text(value) + origin(value) + "\n";
    }
  }

  bool origins_;
  std::string out_;
};

}  // namespace

std::string render_document(const Value& document, bool origins) { return Renderer(origins).run(document); }

}  // namespace envtool
