#include "providers/lxc/parts/network_plan.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/parts/layout.h"

namespace envtool::lxc {

namespace {

std::uint32_t mask_of(unsigned bits) { return bits == 0 ? 0 : ~0U << (32 - bits); }

std::string address_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

constexpr std::uint32_t address(unsigned a, unsigned b, unsigned c) { return a << 24 | b << 16 | c << 8; }

}  // namespace

bool Subnet::overlaps(const Subnet& other) const {
  const std::uint32_t mask = mask_of(std::min(bits, other.bits));
  return (network & mask) == (other.network & mask);
}

std::string Subnet::host(std::uint32_t number) const { return address_text(network + number); }

std::string Subnet::to_string() const { return fmt::format("{}/{}", address_text(network), bits); }

std::optional<Subnet> parse_subnet(std::string_view text) {
  const std::size_t slash = text.find('/');
  in_addr parsed{};
  if (::inet_pton(AF_INET, std::string(text.substr(0, slash)).c_str(), &parsed) != 1) return std::nullopt;
  Subnet subnet{ntohl(parsed.s_addr), 32};
  if (slash != std::string_view::npos) {
    const std::string_view bits = text.substr(slash + 1);
    const auto [end, code] = std::from_chars(bits.data(), bits.data() + bits.size(), subnet.bits);
    if (code != std::errc() || end != bits.data() + bits.size() || subnet.bits > 32) return std::nullopt;
  }
  subnet.network &= mask_of(subnet.bits);
  return subnet;
}

std::vector<Subnet> routed_networks(const Value& routes) {
  std::vector<Subnet> networks;
  for (const Value& route : routes.items()) {
    const std::optional<Subnet> network = parse_subnet(route["dst"].as_text());
    // A VPN's two halves of everything are default routes as well: nothing would be left beside them.
    if (network && network->bits > 1) networks.push_back(*network);
  }
  return networks;
}

Subnet choose_subnet(const std::vector<Subnet>& routed) {
  std::vector<Subnet> candidates;
  for (unsigned third = 0; third < 256; ++third) candidates.push_back({address(10, 86, third), 24});
  for (unsigned third = 0; third < 256; ++third) candidates.push_back({address(172, 29, third), 24});
  for (unsigned third = 0; third < 256; ++third) candidates.push_back({address(192, 168, 255 - third), 24});
  for (const Subnet& candidate : candidates)
    if (std::none_of(routed.begin(), routed.end(),
                     [&](const Subnet& other) { return candidate.overlaps(other); }))
      return candidate;
  throw Error(ErrorKind::failed,
              "no private network is free for the machines: routes of this host cover them all")
      .with_hint(
          "'ip route show table all' lists the routes; envtool tries 10.86.0.0/16, 172.29.0.0/16 and "
          "192.168.0.0/16");
}

std::uint32_t choose_host(const std::vector<std::uint32_t>& taken) {
  for (std::uint32_t number = 2; number < 255; ++number)
    if (std::find(taken.begin(), taken.end(), number) == taken.end()) return number;
  throw Error(ErrorKind::failed, "all 253 addresses of the bridge are taken by machines");
}

std::string bridge_name(const std::string& root) {
  return root == default_root ? "envtool0" : "envt" + sha256(root).substr(0, 8);
}

std::string mac_address(const std::string& bridge, const std::string& machine) {
  const std::string digest = sha256(bridge + "/" + machine);
  return fmt::format("52:55:{}:{}:{}:{}", digest.substr(0, 2), digest.substr(2, 2), digest.substr(4, 2),
                     digest.substr(6, 2));
}

std::string rule_tag(const std::string& bridge) { return "envtool:" + bridge; }

}  // namespace envtool::lxc
