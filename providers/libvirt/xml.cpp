#include "providers/libvirt/xml.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace envtool::libvirt {

namespace {

constexpr std::string_view blanks = " \t\r\n";

std::string unescape(std::string_view text) {
  std::string plain = replace_all(std::string(text), "&lt;", "<");
  plain = replace_all(std::move(plain), "&gt;", ">");
  plain = replace_all(std::move(plain), "&quot;", "\"");
  plain = replace_all(std::move(plain), "&apos;", "'");
  plain = replace_all(std::move(plain), "&#10;", "\n");
  return replace_all(std::move(plain), "&amp;", "&");
}

/// Reads ` name='value'` and moves behind it; false when nothing like it follows.
bool read_attribute(std::string_view& text, XmlTag& tag) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return false;
  text.remove_prefix(begin);
  const auto equals = text.find('=');
  if (equals == std::string_view::npos || equals + 1 >= text.size()) return false;
  const char quote = text[equals + 1];
  if (quote != '\'' && quote != '"') return false;
  const auto end = text.find(quote, equals + 2);
  if (end == std::string_view::npos) return false;
  tag.attributes[std::string(trim(text.substr(0, equals)))] =
      unescape(text.substr(equals + 2, end - equals - 2));
  text.remove_prefix(end + 1);
  return true;
}

}  // namespace

std::string escape_xml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      default:
        escaped += c >= 0 && c < ' ' ? ' ' : c;
    }
  }
  return escaped;
}

std::string XmlTag::operator[](const std::string& attribute) const {
  const auto found = attributes.find(attribute);
  return found == attributes.end() ? std::string() : found->second;
}

std::vector<XmlTag> xml_tags(std::string_view text) {
  std::vector<XmlTag> tags;
  for (auto open = text.find('<'); open != std::string_view::npos; open = text.find('<')) {
    text.remove_prefix(open + 1);
    // No '>' stands in an attribute: libvirt escapes it.
    const auto close = text.find('>');
    if (close == std::string_view::npos) break;
    std::string_view inside = text.substr(0, close);
    text.remove_prefix(close + 1);
    if (inside.empty() || inside.front() == '/' || inside.front() == '?' || inside.front() == '!') continue;
    if (inside.ends_with('/')) inside.remove_suffix(1);
    const auto name_end = inside.find_first_of(blanks);
    XmlTag tag{.name = std::string(inside.substr(0, name_end)), .attributes = {}};
    inside.remove_prefix(std::min(name_end, inside.size()));
    while (read_attribute(inside, tag)) continue;
    tags.push_back(std::move(tag));
  }
  return tags;
}

XmlTag find_xml_tag(std::string_view text, std::string_view name) {
  for (XmlTag& tag : xml_tags(text))
    if (tag.name == name) return std::move(tag);
  return {};
}

std::string_view xml_element(std::string_view text, std::string_view name) {
  const auto begin = std::min(text.find(fmt::format("<{} ", name)), text.find(fmt::format("<{}>", name)));
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = text.substr(begin);
  if (const auto head = rest.find('>'); head > 0 && rest[head - 1] == '/') return rest.substr(0, head + 1);
  const std::string close = fmt::format("</{}>", name);
  return rest.substr(0, rest.find(close) + close.size());
}

std::string xml_text(std::string_view text, std::string_view name) {
  const std::string open = fmt::format("<{}>", name);
  const auto begin = text.find(open);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = text.substr(begin + open.size());
  return unescape(rest.substr(0, rest.find(fmt::format("</{}>", name))));
}

}  // namespace envtool::libvirt
