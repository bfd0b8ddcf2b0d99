#include "forward/destination.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

#include "base/command_socket.h"

namespace envtool::forward {

namespace {

/// Whether the host's own address on the way there belongs to the device. A UDP socket finds the way without
/// sending anything.
bool way_leads_through(const Destination& destination) {
  const UniqueFd probe(::socket(destination.address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe || ::connect(probe.get(), destination.address.get(), destination.address.length()) != 0)
    return false;
  const std::string source = SocketAddress::of_socket(probe.get()).host();
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* each = all; each != nullptr && !found; each = each->ifa_next) {
    if (each->ifa_addr == nullptr || each->ifa_addr->sa_family != destination.address.family()) continue;
    if (destination.device != each->ifa_name) continue;
    sockaddr_storage storage = {};
    std::memcpy(&storage, each->ifa_addr, destination.address.length());
    found = SocketAddress::from(storage, destination.address.length()).host() == source;
  }
  ::freeifaddrs(all);
  return found;
}

bool confine(int socket, const Destination& destination) {
  const std::string& device = destination.device;
  if (device.empty()) return true;
  if (::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                   static_cast<socklen_t>(device.size())) == 0)
    return true;
  // Before Linux 5.7 only root may bind to a device.
  if (errno == EPERM && way_leads_through(destination)) return true;
  if (errno == EPERM) errno = ENETUNREACH;
  return false;
}

}  // namespace

UniqueFd connect_to(const Destination& destination, int type) {
  if (!destination.command.empty()) {
    if (type == SOCK_STREAM)
      return connect_by_command(destination.command, destination.address.host(), destination.address.port());
    errno = EPROTONOSUPPORT;
    return {};
  }
  UniqueFd socket(::socket(destination.address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  const bool under_way =
      confine(socket.get(), destination) &&
      (::connect(socket.get(), destination.address.get(), destination.address.length()) == 0 ||
       errno == EINPROGRESS);
  if (under_way) return socket;
  const int number = errno;
  socket.reset();
  errno = number;
  return socket;
}

}  // namespace envtool::forward
