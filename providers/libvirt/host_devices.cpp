#include "providers/libvirt/host_devices.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

#include <bit>

#include "base/files.h"
#include "base/suggest.h"

namespace envtool::libvirt {

namespace {

std::string text_of(const sockaddr* address) {
  char text[NI_MAXHOST] = "";
  const socklen_t size = address->sa_family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  ::getnameinfo(address, size, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

unsigned bits_of(const sockaddr* mask) {
  unsigned bits = 0;
  const bool is_v4 = mask->sa_family == AF_INET;
  const auto* bytes =
      is_v4 ? reinterpret_cast<const unsigned char*>(&reinterpret_cast<const sockaddr_in*>(mask)->sin_addr)
            : reinterpret_cast<const unsigned char*>(&reinterpret_cast<const sockaddr_in6*>(mask)->sin6_addr);
  for (int i = 0; i < (is_v4 ? 4 : 16); ++i) bits += static_cast<unsigned>(std::popcount(bytes[i]));
  return bits;
}

std::vector<IpSubnet> subnets_on(const std::string& device) {
  std::vector<IpSubnet> subnets;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return subnets;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (device != entry->ifa_name || entry->ifa_addr == nullptr || entry->ifa_netmask == nullptr) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    if (const auto subnet =
            IpSubnet::parse(fmt::format("{}/{}", text_of(entry->ifa_addr), bits_of(entry->ifa_netmask))))
      subnets.push_back(*subnet);
  }
  return subnets;
}

/// By the kernel's own word: what /sys shows may be another network namespace's.
bool is_a_bridge(const std::string& name) {
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  request.ifr_data = reinterpret_cast<char*>(&info);
  return ::ioctl(socket.get(), SIOCETHTOOL, &request) == 0 && std::string_view(info.driver) == "bridge";
}

std::vector<std::string> device_names() {
  std::vector<std::string> names;
  const std::unique_ptr<struct if_nameindex, void (*)(struct if_nameindex*)> list(::if_nameindex(),
                                                                                  &::if_freenameindex);
  for (const auto* entry = list.get(); entry != nullptr && entry->if_index != 0; ++entry)
    names.emplace_back(entry->if_name);
  return names;
}

}  // namespace

IpSubnet HostDevice::subnet_of(const IpAddress& address) const {
  for (const IpSubnet& subnet : subnets)
    if (subnet.contains(address)) return subnet;
  return {address.masked(address.is_v6() ? 64 : 24), address.is_v6() ? 64u : 24u};
}

HostDevice host_device(const Connection& connection, const std::string& name) {
  if (!connection.is_local() || connection.is_double()) return {.name = name};
  if (name.size() < IFNAMSIZ && ::if_nametoindex(name.c_str()) != 0)
    return {.name = name, .is_bridge = is_a_bridge(name), .subnets = subnets_on(name)};
  Error error(ErrorKind::host_not_ready, fmt::format("this host has no network device '{}'", name));
  if (const std::string near = did_you_mean(name, device_names()); !near.empty()) error.with_hint(near);
  throw error;
}

}  // namespace envtool::libvirt
