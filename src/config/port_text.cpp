#include "config/port_text.h"

#include <fmt/format.h>

#include <algorithm>

namespace envtool {

std::string to_string(const PortConfig& port) {
  std::string text;
  if (port.bind != PortConfig{}.bind)
    text = port.bind.find(':') == std::string::npos ? port.bind + ":" : "[" + port.bind + "]:";
  if (port.host && port.host->first == port.host->last)
    text += fmt::format("{}:", port.host->first);
  else if (port.host)
    text += fmt::format("{}-{}:", port.host->first, port.host->last);
  return fmt::format("{}{}{}", text, port.guest, port.protocol == Protocol::udp ? "/udp" : "");
}

std::string with_range(PortConfig port, std::uint16_t host) {
  constexpr std::uint16_t more = 9;
  const auto first = std::min<std::uint16_t>(host, 65535 - more);
  port.host = {first, static_cast<std::uint16_t>(first + more)};
  return to_string(port);
}

}  // namespace envtool
