#include "base/size.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/text.h"

namespace envtool {

namespace {
constexpr std::string_view units = "BKMGT";
}

std::optional<ByteSize> ByteSize::parse(std::string_view text) {
  text = trim(text);
  double number = 0;
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (code != std::errc() || number < 0 || !std::isfinite(number)) return std::nullopt;
  std::string unit(trim(text.substr(static_cast<size_t>(end - text.data()))));
  for (char& c : unit) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  if (unit.empty()) return std::nullopt;
  const size_t power = units.find(unit[0]);
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || (power == 0 && !rest.empty())) return std::nullopt;
  if (!rest.empty() && rest != "I" && rest != "B" && rest != "IB") return std::nullopt;
  const double bytes = std::round(number * std::pow(1024.0, static_cast<double>(power)));
  if (bytes >= 9.0e18) return std::nullopt;
  return ByteSize{static_cast<std::uint64_t>(bytes)};
}

std::string ByteSize::to_string() const {
  size_t power = 0;
  std::uint64_t unit = 1;
  while (power + 1 < units.size() && bytes / 1024 >= unit) {
    unit *= 1024;
    ++power;
  }
  if (power == 0) return fmt::format("{}B", bytes);
  if (bytes % unit == 0) return fmt::format("{}{}iB", bytes / unit, units[power]);
  if (bytes % (unit / 1024) == 0 && bytes / (unit / 1024) < 10000)
    return power == 1 ? fmt::format("{}B", bytes)
                      : fmt::format("{}{}iB", bytes / (unit / 1024), units[power - 1]);
  return fmt::format("{:.1f}{}iB", static_cast<double>(bytes) / static_cast<double>(unit), units[power]);
}

}  // namespace envtool
