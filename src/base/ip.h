#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace envtool {

/// An IPv4 or IPv6 address.
class IpAddress {
 public:
  /// Nothing for other texts.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress of_v4(std::uint32_t number);

  bool is_v6() const { return bits_ == 128; }
  /// 32 or 128.
  unsigned bits() const { return bits_; }
  bool bit(unsigned at) const;
  /// As the kernel prints it: "fd00::11".
  std::string to_string() const;

  /// The same with all bits behind the first `kept` zero.
  IpAddress masked(unsigned kept) const;
  IpAddress plus(std::uint64_t number) const;

  auto operator<=>(const IpAddress&) const = default;

 private:
  unsigned bits_ = 32;
  std::array<unsigned char, 16> bytes_{};  ///< in network order; of IPv4 the first four
};

/// A network of one of the two families.
struct IpSubnet {
  IpAddress network;
  unsigned bits = 0;

  /// "10.30.0.0/24", or a single address, which is a network of one. Bits of hosts are cleared. Nothing for
  /// other texts.
  static std::optional<IpSubnet> parse(std::string_view text);
  /// The same of a text with a length and without bits of hosts, as people write a network.
  static std::optional<IpSubnet> parse_exact(std::string_view text);

  bool is_v6() const { return network.is_v6(); }
  bool contains(const IpAddress& address) const;
  bool overlaps(const IpSubnet& other) const;
  /// Whether a machine can have that number: network and broadcast addresses do not count.
  bool has_host(std::uint64_t number) const;
  /// "10.30.0.7" for host 7.
  std::string host(std::uint64_t number) const { return network.plus(number).to_string(); }
  /// Its number among the hosts; nothing for an address of elsewhere, or too far up to be counted.
  std::optional<std::uint64_t> number_of(const IpAddress& address) const;
  std::string to_string() const;

  bool operator==(const IpSubnet&) const = default;
};

}  // namespace envtool
