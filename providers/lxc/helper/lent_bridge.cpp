#include "providers/lxc/helper/lent_bridge.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <grp.h>
#include <ifaddrs.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/if_ether.h>
#include <poll.h>
#include <pwd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <set>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/helper/network.h"
#include "providers/lxc/parts/guest_files.h"
#include "providers/lxc/parts/rootless.h"

namespace envtool::lxc {

namespace {

constexpr const char* permissions = "/etc/lxc/lxc-usernet";

/// By name: in the helper's namespace the process's own list has none that is mapped.
std::vector<std::string> groups_of(const std::string& user) {
  const passwd* entry = ::getpwnam(user.c_str());
  if (entry == nullptr) return {};
  std::vector<gid_t> ids(256);
  int count = static_cast<int>(ids.size());
  if (::getgrouplist(user.c_str(), entry->pw_gid, ids.data(), &count) < 0) return {};
  std::vector<std::string> names;
  for (int index = 0; index < count; ++index)
    if (const group* found = ::getgrgid(ids[static_cast<std::size_t>(index)]))
      names.emplace_back(found->gr_name);
  return names;
}

std::optional<LentBridge> addressed_bridge(const std::string& name) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) fail("list this host's addresses", errno);
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, &::freeifaddrs);
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || entry->ifa_addr->sa_family != AF_INET || name != entry->ifa_name)
      continue;
    const auto number = [](const sockaddr* address) {
      return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr);
    };
    const std::uint32_t address = number(entry->ifa_addr), mask = number(entry->ifa_netmask);
    const IpSubnet subnet{IpAddress::of_v4(address & mask), static_cast<unsigned>(std::popcount(mask))};
    return LentBridge{name, subnet, IpAddress::of_v4(address).to_string()};
  }
  return std::nullopt;
}

/// Addresses in the lease file that lxc-net's dnsmasq keeps, and in the kernel's table of neighbours.
std::set<std::string> seen_addresses(const std::string& bridge) {
  std::set<std::string> seen;
  for (const std::string& file :
       {"/var/lib/misc/dnsmasq." + bridge + ".leases", std::string("/proc/net/arp")})
    for (const std::string& line : split(read_file_if_there(file).value_or(""), '\n'))
      for (const std::string& word : split(line, ' '))
        if (IpSubnet::parse(word)) seen.insert(word);
  return seen;
}

bool has_name_server(const std::string& address) {
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(53);
  ::inet_pton(AF_INET, address.c_str(), &server.sin_addr);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0) return true;
  pollfd wait{fd.get(), POLLOUT, 0};
  int error = 0;
  socklen_t size = sizeof error;
  // The bridge's address is this host's: an answer, or a refusal, comes at once.
  return errno == EINPROGRESS && ::poll(&wait, 1, 200) == 1 &&
         ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
}

ether_arp arp_probe(const char* hardware, in_addr address) {
  ether_arp probe{};
  probe.arp_hrd = htons(ARPHRD_ETHER);
  probe.arp_pro = htons(ETHERTYPE_IP);
  probe.arp_hln = ETH_ALEN;
  probe.arp_pln = 4;
  probe.arp_op = htons(ARPOP_REQUEST);
  std::memcpy(probe.arp_sha, hardware, ETH_ALEN);
  std::memcpy(probe.arp_tpa, &address, 4);
  return probe;
}

/// Whether an answer for the address comes within the time.
bool is_answered(int socket, in_addr address, std::chrono::milliseconds time) {
  const auto deadline = std::chrono::steady_clock::now() + time;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd wait{socket, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    ether_arp answer{};
    if (::recv(socket, &answer, sizeof answer, 0) < static_cast<ssize_t>(sizeof answer)) continue;
    if (ntohs(answer.arp_op) == ARPOP_REPLY && std::memcmp(answer.arp_spa, &address, 4) == 0) return true;
  }
}

}  // namespace

LentBridge find_lent_bridge(const Context& context, const std::string& preferred) {
  std::vector<std::string> names = allowed_bridges(read_file_if_there(permissions).value_or(""),
                                                   context.caller.name, groups_of(context.caller.name));
  std::stable_partition(names.begin(), names.end(),
                        [&](const std::string& name) { return name == preferred; });
  for (const std::string& name : names)
    if (auto bridge = addressed_bridge(name)) return *bridge;
  throw Error(
      ErrorKind::host_not_ready,
      names.empty()
          ? fmt::format("'{}' gives user '{}' no bridge for machines", permissions, context.caller.name)
          : fmt::format("no bridge that '{}' gives user '{}' is there with an IPv4 address: {}", permissions,
                        context.caller.name, join(names, ", ")))
      .with_hint("'envtool doctor' shows the command that mends it");
}

std::string choose_address(const Context& context, const LentBridge& bridge, const std::string& machine,
                           const std::vector<std::string>& found_used) {
  std::set<std::string> taken = seen_addresses(bridge.name);
  taken.insert(found_used.begin(), found_used.end());
  taken.insert(bridge.gateway);
  for (const Record& other : all_records(context.layout))
    if (other.name != machine) taken.insert(other.address);
  const std::uint32_t hosts = bridge.subnet.bits >= 31 ? 0 : (1U << (32 - bridge.subnet.bits)) - 2;
  const std::uint32_t first =
      hosts == 0 ? 0
                 : static_cast<std::uint32_t>(std::stoul(sha256(machine).substr(0, 7), nullptr, 16)) % hosts;
  for (std::uint32_t step = 0; step < std::min(hosts, 4096U); ++step) {
    const std::string address = bridge.subnet.host(1 + (first + step) % hosts);
    if (!taken.contains(address)) return address;
  }
  throw Error(ErrorKind::failed, fmt::format("no address is free on the bridge '{}', {}", bridge.name,
                                             bridge.subnet.to_string()));
}

std::string resolv_conf_on(Context& context, const LentBridge& bridge) {
  return has_name_server(bridge.gateway) ? resolv_conf_text({bridge.gateway}, {}) : host_resolv_conf(context);
}

bool is_address_used(const std::string& device, const std::string& address) {
  in_addr wanted{};
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  const UniqueFd fd(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  if (!fd || ::inet_pton(AF_INET, address.c_str(), &wanted) != 1 ||
      ::ioctl(fd.get(), SIOCGIFHWADDR, &request) != 0)
    fail(fmt::format("look whether the address {} is free", address), errno);
  const ether_arp probe = arp_probe(request.ifr_hwaddr.sa_data, wanted);
  sockaddr_ll everybody{};
  everybody.sll_family = AF_PACKET;
  everybody.sll_protocol = htons(ETH_P_ARP);
  everybody.sll_ifindex = static_cast<int>(::if_nametoindex(device.c_str()));
  everybody.sll_halen = ETH_ALEN;
  std::memset(everybody.sll_addr, 0xff, ETH_ALEN);
  // A neighbour on the same bridge answers within a millisecond; the second question is for a lost first.
  for (int round = 0; round < 2; ++round) {
    ::sendto(fd.get(), &probe, sizeof probe, 0, reinterpret_cast<const sockaddr*>(&everybody),
             sizeof everybody);
    if (is_answered(fd.get(), wanted, std::chrono::milliseconds(25))) return true;
  }
  return false;
}

}  // namespace envtool::lxc
