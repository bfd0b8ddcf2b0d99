#include "ssh/dial.h"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/command_socket.h"
#include "base/text.h"

namespace envtool {

namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds slice = 50ms;
/// A lost SYN is sent again after one second only; a new attempt is as quick.
constexpr milliseconds connect_limit = 1s;
constexpr milliseconds banner_limit = 10s;

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address resolve(const SshEndpoint& endpoint) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status =
      ::getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &hints, &found);
  if (status != 0)
    throw NotReady{Stage::route,
                   fmt::format("no address for '{}': {}", endpoint.host, ::gai_strerror(status))};
  Address address;
  std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
  address.length = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

UniqueFd open_socket(const Address& address, int type) {
  UniqueFd socket(::socket(address.storage.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) throw NotReady{Stage::port, errno_text(errno)};
  return socket;
}

bool same_host(const sockaddr* one, const sockaddr* other) {
  if (one->sa_family != other->sa_family) return false;
  if (one->sa_family == AF_INET)
    return reinterpret_cast<const sockaddr_in*>(one)->sin_addr.s_addr ==
           reinterpret_cast<const sockaddr_in*>(other)->sin_addr.s_addr;
  return one->sa_family == AF_INET6 &&
         std::memcmp(&reinterpret_cast<const sockaddr_in6*>(one)->sin6_addr,
                     &reinterpret_cast<const sockaddr_in6*>(other)->sin6_addr, sizeof(in6_addr)) == 0;
}

/// The devices that own an address of this host's.
std::vector<std::string> devices_with(const Address& local) {
  ifaddrs* found = nullptr;
  if (::getifaddrs(&found) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list(found, &::freeifaddrs);
  std::vector<std::string> devices;
  for (const ifaddrs* entry = found; entry != nullptr; entry = entry->ifa_next)
    if (entry->ifa_addr != nullptr && same_host(entry->ifa_addr, local.get()))
      devices.emplace_back(entry->ifa_name);
  return devices;
}

/// An address whose bridge is gone may be somebody else's machine. Connecting a datagram socket sends
/// nothing, but makes the kernel choose the route and thereby the local address.
void require_route(const SshEndpoint& endpoint, const Address& address) {
  const UniqueFd probe = open_socket(address, SOCK_DGRAM);
  if (::connect(probe.get(), address.get(), address.length) != 0)
    throw NotReady{Stage::route, fmt::format("no route to {}: {}", endpoint.host, errno_text(errno))};
  Address local;
  local.length = sizeof local.storage;
  ::getsockname(probe.get(), local.get(), &local.length);
  const std::vector<std::string> devices = devices_with(local);
  for (const std::string& device : devices)
    if (device == endpoint.device) return;
  throw NotReady{Stage::route, fmt::format("{} would be reached through '{}' instead of '{}'", endpoint.host,
                                           join(devices, "', '"), endpoint.device)};
}

void set_option(const UniqueFd& socket, int level, int name, int value) {
  ::setsockopt(socket.get(), level, name, &value, sizeof value);
}

void set_options(const UniqueFd& socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, 30'000);
}

/// Waits for the events in slices; false when the limit has passed.
bool wait_for(const UniqueFd& socket, short events, milliseconds limit, Patience& patience) {
  const auto end = patience.now() + limit;
  do {
    pollfd entry{socket.get(), events, 0};
    if (::poll(&entry, 1, static_cast<int>(slice.count())) > 0) return true;
    patience.tick();
  } while (patience.now() < end && patience.left() > 0ms);
  return false;
}

void connect(const UniqueFd& socket, const Address& address, Patience& patience) {
  if (::connect(socket.get(), address.get(), address.length) == 0) return;
  if (errno != EINPROGRESS) throw NotReady{Stage::port, errno_text(errno)};
  if (!wait_for(socket, POLLOUT, connect_limit, patience)) throw NotReady{Stage::port, "no answer"};
  int failure = 0;
  socklen_t length = sizeof failure;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &failure, &length);
  if (failure != 0) throw NotReady{Stage::port, errno_text(failure)};
}

void require_banner(const UniqueFd& socket, Patience& patience) {
  if (!wait_for(socket, POLLIN, banner_limit, patience))
    throw NotReady{Stage::banner, "the connection is open, but no banner comes"};
  char start[256];
  const ssize_t count = ::recv(socket.get(), start, sizeof start, MSG_PEEK);
  if (count < 0) throw NotReady{Stage::banner, errno_text(errno)};
  const std::string_view text(start, static_cast<std::size_t>(count));
  if (text.empty()) throw NotReady{Stage::banner, "the connection was closed at once"};
  // RFC 4253, 4.2: other lines may come before the identification.
  if (text.starts_with("SSH-") || text.find("\nSSH-") != std::string_view::npos) return;
  throw NotReady{Stage::banner, fmt::format("it said '{}'", trim(text.substr(0, text.find('\n'))))};
}

std::string content_of(const UniqueFd& file) {
  char text[4096];
  const ssize_t count = ::pread(file.get(), text, sizeof text, 0);
  return count > 0 ? std::string(text, static_cast<std::size_t>(count)) : "";
}

UniqueFd dial_through(const SshEndpoint& endpoint, Patience& patience) {
  // A file and no pipe: the command may go on saying something when nobody listens any more.
  const UniqueFd messages(::memfd_create("messages", MFD_CLOEXEC));
  UniqueFd socket = connect_by_command(endpoint.proxy, endpoint.host,
                                       static_cast<std::uint16_t>(endpoint.port), messages.get());
  if (!socket) throw NotReady{Stage::port, errno_text(errno)};
  try {
    require_banner(socket, patience);
  } catch (const NotReady& reason) {
    throw not_ready_through(endpoint.proxy, reason, content_of(messages));
  }
  return socket;
}

}  // namespace

UniqueFd dial(const SshEndpoint& endpoint, Patience& patience) {
  if (!endpoint.proxy.empty()) return dial_through(endpoint, patience);
  const Address address = resolve(endpoint);
  if (!endpoint.device.empty()) require_route(endpoint, address);
  UniqueFd socket = open_socket(address, SOCK_STREAM);
  set_options(socket);
  connect(socket, address, patience);
  require_banner(socket, patience);
  return socket;
}

}  // namespace envtool
