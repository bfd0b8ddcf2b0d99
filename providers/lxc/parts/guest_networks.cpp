#include "providers/lxc/parts/guest_networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <charconv>
#include <sstream>

#include "base/ip.h"
#include "base/text.h"

namespace envtool::lxc {

namespace {

/// Before the file of the box, which is `00-envtool.network` and about eth0.
constexpr std::string_view file_start = "00-envtool-";

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream stream(line);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

/// As the kernel prints an address there: the bytes of memory as a number of this host's.
std::uint32_t reversed(const std::string& hexadecimal) {
  std::uint32_t number = 0;
  std::from_chars(hexadecimal.data(), hexadecimal.data() + hexadecimal.size(), number, 16);
  return number >> 24 | (number >> 8 & 0xff00) | (number << 8 & 0xff0000) | number << 24;
}

/// The IPv4 networks that lie on the device.
std::vector<IpSubnet> connected(const std::string& device, std::string_view route) {
  std::vector<IpSubnet> subnets;
  for (const std::string& line : split(route, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 8 || words[0] != device || words[2] != "00000000") continue;
    const std::uint32_t mask = reversed(words[7]);
    const auto bits = static_cast<unsigned>(std::popcount(mask));
    if (bits > 0) subnets.push_back({IpAddress::of_v4(reversed(words[1]) & mask), bits});
  }
  return subnets;
}

std::vector<IpAddress> local_addresses(std::string_view fib_trie) {
  std::vector<IpAddress> addresses;
  std::string last;
  for (const std::string& line : split(fib_trie, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() == 2 && words[0] == "|--") last = words[1];
    if (words.size() < 3 || words[0] != "/32" || words[1] != "host" || words[2] != "LOCAL") continue;
    const auto address = IpAddress::parse(last);
    if (address && std::find(addresses.begin(), addresses.end(), *address) == addresses.end())
      addresses.push_back(*address);
  }
  return addresses;
}

/// "fd00000000000000..." as an address.
std::optional<IpAddress> v6_address(const std::string& digits) {
  std::string text;
  for (std::size_t at = 0; at < digits.size(); at += 4) text += (at == 0 ? "" : ":") + digits.substr(at, 4);
  return IpAddress::parse(text);
}

}  // namespace

std::string networkd_file(const std::string& device, bool asks) {
  if (!asks)
    return fmt::format("# {0} has its address from envtool.\n[Match]\nName={0}\n[Link]\nUnmanaged=yes\n",
                       device);
  return fmt::format(
      "# Written by envtool at every start.\n[Match]\nName={}\n[Link]\nRequiredForOnline=no\n"
      "[Network]\nDHCP=yes\nIPv6AcceptRA=yes\n"
      "[DHCPv4]\nUseGateway=no\nUseDNS=no\nUseHostname=no\n"
      "[DHCPv6]\nUseDNS=no\nUseHostname=no\n[IPv6AcceptRA]\nUseGateway=no\nUseDNS=no\n",
      device);
}

std::string networkd_file_name(const std::string& device) {
  return fmt::format("{}{}.network", file_start, device);
}

bool is_networkd_file_name(std::string_view name) {
  return name.starts_with(file_start) && name.ends_with(".network");
}

std::string network_manager_settings(const std::vector<std::string>& set_devices) {
  std::string text = "[keyfile]\nunmanaged-devices=interface-name:eth0";
  for (const std::string& device : set_devices) text += ";interface-name:" + device;
  return text + "\n";
}

std::vector<std::string> device_addresses(const std::string& device, std::string_view route,
                                          std::string_view fib_trie, std::string_view if_inet6) {
  std::vector<std::string> found;
  const std::vector<IpSubnet> subnets = connected(device, route);
  for (const IpAddress& address : local_addresses(fib_trie))
    if (std::any_of(subnets.begin(), subnets.end(),
                    [&](const auto& subnet) { return subnet.contains(address); }))
      found.push_back(address.to_string());
  for (const std::string& line : split(if_inet6, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() < 6 || words[5] != device || words[3] != "00") continue;
    if (const auto address = v6_address(words[0])) found.push_back(address->to_string());
  }
  return found;
}

}  // namespace envtool::lxc
