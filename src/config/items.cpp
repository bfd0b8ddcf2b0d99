#include "config/items.h"

#include <fmt/format.h>

#include <optional>

#include "base/text.h"
#include "config/scalar.h"

namespace envtool {

namespace {

/// A scalar made out of a part of another: expanded already, at the same place.
Node part_of(const Node& whole, std::string text) {
  Node part = whole;
  part.text = std::move(text);
  part.plain = true;
  return part;
}

struct PortText {
  std::string bind, host, guest, protocol;
};

/// [BIND:][HOST:]GUEST[/PROTOCOL], an IPv6 address in brackets.
std::optional<PortText> split_port(std::string_view text) {
  PortText port;
  if (const std::size_t slash = text.rfind('/'); slash != std::string_view::npos) {
    port.protocol = text.substr(slash + 1);
    text = text.substr(0, slash);
    if (port.protocol != "tcp" && port.protocol != "udp") return std::nullopt;
  }
  if (text.starts_with('[')) {
    const std::size_t end = text.find("]:");
    if (end == std::string_view::npos) return std::nullopt;
    port.bind = text.substr(1, end - 1);
    text.remove_prefix(end + 2);
    if (text.find(':') == std::string_view::npos) return std::nullopt;
  }
  std::vector<std::string> parts = split(text, ':');
  if (parts.size() == 3 && port.bind.empty()) {
    port.bind = parts[0];
    parts.erase(parts.begin());
    if (port.bind.empty()) return std::nullopt;
  }
  if (parts.size() > 2 || parts.back().empty() || parts.front().empty()) return std::nullopt;
  port.guest = parts.back();
  if (parts.size() == 2) port.host = parts.front();
  return port;
}

}  // namespace

bool rewrite_port(Node& item, const Scope& scope) {
  if (!item.is_scalar()) return true;
  if (!expand(item, Late::never, scope)) return false;
  const auto port = split_port(item.text);
  if (!port) {
    scope.problems.add(item.position, fmt::format("'{}' is not a port", shortened(item.text)),
                       "'8080:80', '8080-8089:80', '80', '0.0.0.0:5300:53/udp' or '[::1]:8080:80'");
    return false;
  }
  Node map = Node::map(item.position);
  map.set("guest", part_of(item, port->guest));
  if (!port->host.empty()) map.set("host", part_of(item, port->host));
  if (!port->bind.empty()) map.set("bind", part_of(item, port->bind));
  if (!port->protocol.empty()) map.set("protocol", part_of(item, port->protocol));
  item = std::move(map);
  return true;
}

bool rewrite_folder(Node& item, const Scope& scope) {
  if (!item.is_scalar()) return true;
  if (!expand(item, Late::never, scope)) return false;
  std::string_view text = item.text;
  const bool read_only = text.ends_with(":ro");
  if (read_only || text.ends_with(":rw")) text.remove_suffix(3);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) {
    scope.problems.add(item.position, fmt::format("'{}' is not a folder", shortened(item.text)),
                       "'HOST:GUEST' or 'HOST:GUEST:ro', such as './src:/srv/app:ro'");
    return false;
  }
  Node map = Node::map(item.position);
  map.set("host", part_of(item, std::string(text.substr(0, colon))));
  map.set("guest", part_of(item, std::string(text.substr(colon + 1))));
  if (read_only) map.set("read_only", part_of(item, "true"));
  item = std::move(map);
  return true;
}

bool rewrite_network(Node& item, const Scope& scope) {
  if (!item.is_scalar()) return true;
  if (!expand(item, Late::never, scope)) return false;
  Node map = Node::map(item.position);
  map.set("name", part_of(item, item.text));
  item = std::move(map);
  return true;
}

}  // namespace envtool
