#include "providers/libvirt/uri.h"

#include <charconv>

namespace envtool::libvirt {

namespace {

void read_host(std::string_view text, Uri& uri) {
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    uri.user = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  // An IPv6 address stands in brackets.
  const auto bracket = text.starts_with('[') ? text.find(']') : std::string_view::npos;
  const auto colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    const std::string_view digits = text.substr(colon + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), uri.port);
  }
  uri.host = bracket == std::string_view::npos ? text.substr(0, colon) : text.substr(1, bracket - 1);
}

}  // namespace

Uri parse_uri(std::string_view text) {
  Uri uri;
  text = text.substr(0, text.find_first_of("?#"));
  const auto scheme_end = text.find(':');
  const std::string_view scheme = text.substr(0, scheme_end);
  const auto plus = scheme.find('+');
  uri.driver = scheme.substr(0, plus);
  if (plus != std::string_view::npos) uri.transport = scheme.substr(plus + 1);
  if (scheme_end == std::string_view::npos) return uri;
  std::string_view rest = text.substr(scheme_end + 1);
  if (rest.starts_with("//")) {
    rest.remove_prefix(2);
    const auto slash = rest.find('/');
    read_host(rest.substr(0, slash), uri);
    rest = slash == std::string_view::npos ? std::string_view() : rest.substr(slash);
  }
  uri.path = rest;
  return uri;
}

}  // namespace envtool::libvirt
