#include "base/ip.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace envtool {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  const std::string copy(text);
  IpAddress address;
  if (::inet_pton(AF_INET, copy.c_str(), address.bytes_.data()) == 1) return address;
  address.bits_ = 128;
  if (::inet_pton(AF_INET6, copy.c_str(), address.bytes_.data()) == 1) return address;
  return std::nullopt;
}

IpAddress IpAddress::of_v4(std::uint32_t number) {
  IpAddress address;
  for (std::size_t at = 0; at < 4; ++at)
    address.bytes_[at] = static_cast<unsigned char>(number >> (24 - 8 * at));
  return address;
}

bool IpAddress::bit(unsigned at) const { return (bytes_[at / 8] >> (7 - at % 8) & 1) != 0; }

std::string IpAddress::to_string() const {
  char text[INET6_ADDRSTRLEN] = {};
  ::inet_ntop(is_v6() ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

IpAddress IpAddress::masked(unsigned kept) const {
  IpAddress address = *this;
  for (unsigned at = kept; at < bits_; ++at)
    address.bytes_[at / 8] &= static_cast<unsigned char>(~(0x80U >> at % 8));
  return address;
}

IpAddress IpAddress::plus(std::uint64_t number) const {
  IpAddress address = *this;
  std::uint64_t carry = 0;
  for (std::size_t at = bits_ / 8; at-- > 0; number >>= 8) {
    const std::uint64_t sum = address.bytes_[at] + (number & 255) + carry;
    address.bytes_[at] = static_cast<unsigned char>(sum);
    carry = sum >> 8;
  }
  return address;
}

std::optional<IpSubnet> IpSubnet::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpSubnet subnet{*address, address->bits()};
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, code] = std::from_chars(bits.data(), bits.data() + bits.size(), subnet.bits);
    if (code != std::errc() || end != bits.data() + bits.size() || subnet.bits > address->bits())
      return std::nullopt;
  }
  subnet.network = address->masked(subnet.bits);
  return subnet;
}

std::optional<IpSubnet> IpSubnet::parse_exact(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto subnet = slash == std::string_view::npos ? std::nullopt : parse(text);
  return subnet && subnet->network == IpAddress::parse(text.substr(0, slash)) ? subnet : std::nullopt;
}

bool IpSubnet::contains(const IpAddress& address) const {
  return address.is_v6() == is_v6() && address.masked(bits) == network;
}

bool IpSubnet::overlaps(const IpSubnet& other) const {
  const unsigned shared = std::min(bits, other.bits);
  return is_v6() == other.is_v6() && network.masked(shared) == other.network.masked(shared);
}

bool IpSubnet::has_host(std::uint64_t number) const {
  const unsigned host_bits = network.bits() - bits;
  if (number < 1) return false;
  if (host_bits >= 63) return true;
  const std::uint64_t addresses = 1ULL << host_bits;
  return number < (is_v6() ? addresses : addresses - 1);
}

std::optional<std::uint64_t> IpSubnet::number_of(const IpAddress& address) const {
  if (!contains(address)) return std::nullopt;
  std::uint64_t number = 0;
  for (unsigned at = bits; at < address.bits(); ++at) {
    if (number >> 62 != 0) return std::nullopt;
    number = number << 1 | (address.bit(at) ? 1U : 0U);
  }
  return number;
}

std::string IpSubnet::to_string() const { return fmt::format("{}/{}", network.to_string(), bits); }

}  // namespace envtool
