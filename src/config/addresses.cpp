#include "config/addresses.h"

#include <arpa/inet.h>

#include <array>
#include <optional>

#include "config/scalar.h"

namespace envtool {

namespace {

/// An address or a network, as bits in network order.
struct Bits {
  std::array<unsigned char, 16> bytes{};
  int length = 0;  ///< 32 or 128
  bool bit(int at) const { return (bytes[static_cast<std::size_t>(at / 8)] >> (7 - at % 8) & 1) != 0; }
};

std::optional<Bits> parse_address(const std::string& text) {
  Bits bits;
  if (inet_pton(AF_INET, text.c_str(), bits.bytes.data()) == 1)
    bits.length = 32;
  else if (inet_pton(AF_INET6, text.c_str(), bits.bytes.data()) == 1)
    bits.length = 128;
  return bits.length ? std::optional(bits) : std::nullopt;
}

struct Subnet {
  Bits bits;
  int prefix = 0;
};

std::optional<Subnet> parse_subnet(const std::string& text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto bits = parse_address(text.substr(0, slash));
  const auto prefix = parse_integer(std::string_view(text).substr(slash + 1));
  if (!bits || !prefix || *prefix < 1 || *prefix > bits->length) return std::nullopt;
  for (int at = static_cast<int>(*prefix); at < bits->length; ++at)
    if (bits->bit(at)) return std::nullopt;
  return Subnet{*bits, static_cast<int>(*prefix)};
}

}  // namespace

bool is_address(const std::string& text) { return parse_address(text).has_value(); }

bool is_subnet(const std::string& text) { return parse_subnet(text).has_value(); }

bool is_in_subnet(const std::string& address, const std::string& subnet) {
  const auto bits = parse_address(address);
  const auto network = parse_subnet(subnet);
  if (!bits || !network || bits->length != network->bits.length) return false;
  for (int at = 0; at < network->prefix; ++at)
    if (bits->bit(at) != network->bits.bit(at)) return false;
  return true;
}

bool has_host(const std::string& subnet, int number) {
  const auto network = parse_subnet(subnet);
  if (!network) return false;
  const int host_bits = network->bits.length - network->prefix;
  if (host_bits >= 31) return true;
  const long long addresses = 1LL << host_bits;
  return number >= 1 && number < (network->bits.length == 32 ? addresses - 1 : addresses);
}

}  // namespace envtool
