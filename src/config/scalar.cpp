#include "config/scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "config/check.h"

namespace envtool {

namespace {

template <class Number, class... Options>
std::optional<Number> parse_number(std::string_view text, Options... options) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number, options...);
  if (code != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

}  // namespace

std::optional<std::int64_t> parse_integer(std::string_view text) {
  return parse_number<std::int64_t>(text, 10);
}

std::string boolean_meant(std::string_view text) {
  static constexpr std::string_view truths[] = {"yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE"};
  static constexpr std::string_view lies[] = {"no", "No", "NO", "off", "Off", "OFF", "False", "FALSE"};
  if (std::ranges::find(truths, text) != std::end(truths)) return "true";
  if (std::ranges::find(lies, text) != std::end(lies)) return "false";
  return {};
}

Value typed_scalar(const std::string& text) {
  if (text == "true") return true;
  if (text == "false") return false;
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return text;
  std::string_view digits = text;
  if (digits.starts_with('+')) digits.remove_prefix(1);
  const std::string_view unsigned_digits = digits.starts_with('-') ? digits.substr(1) : digits;
  const bool leading_zero =
      unsigned_digits.size() > 1 && unsigned_digits[0] == '0' && std::isdigit(unsigned_digits[1]);
  if (leading_zero || text.starts_with("+-")) return text;
  if (const auto integer = parse_integer(digits)) return *integer;
  if (unsigned_digits.find_first_of(".eE") == std::string_view::npos) return text;
  const auto real = parse_number<double>(digits, std::chars_format::general);
  return real && std::isfinite(*real) ? Value(*real) : Value(text);
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  static constexpr std::pair<std::string_view, std::int64_t> units[] = {
      {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = parse_number<std::int32_t>(text.substr(0, digits), 10);
    if (!number) return std::nullopt;
    text.remove_prefix(digits);
    const std::size_t letters = std::min(text.find_first_of("0123456789"), text.size());
    const auto unit =
        std::ranges::find(units, text.substr(0, letters), [](const auto& each) { return each.first; });
    if (unit == std::end(units)) return std::nullopt;
    total += *number * unit->second;
    text.remove_prefix(letters);
  }
  return total;
}

std::filesystem::path absolute_path(const Node& node, const Scope& scope) {
  const std::string& text = node.text;
  std::filesystem::path path = text;
  if (text == "~" || text.starts_with("~/"))
    path = scope.names.home / text.substr(std::min<std::size_t>(2, text.size()));
  else if (path.is_relative())
    path = scope.names.directory_of(node.position) / path;
  std::string normal = path.lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

}  // namespace envtool
