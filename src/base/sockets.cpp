#include "base/sockets.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <string_view>

namespace envtool {

namespace {

const sockaddr_in& as_ipv4(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in&>(storage);
}
const sockaddr_in6& as_ipv6(const sockaddr_storage& storage) {
  return reinterpret_cast<const sockaddr_in6&>(storage);
}

}  // namespace

std::optional<SocketAddress> SocketAddress::parse(const std::string& host, std::uint16_t port) {
  std::string bare = host;
  if (bare.size() > 2 && bare.front() == '[' && bare.back() == ']') bare = bare.substr(1, bare.size() - 2);
  if (bare.empty()) return std::nullopt;
  addrinfo hints = {}, *found = nullptr;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(bare.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) return std::nullopt;
  SocketAddress address;
  std::memcpy(&address.storage_, found->ai_addr, found->ai_addrlen);
  address.length_ = found->ai_addrlen;
  ::freeaddrinfo(found);
  return address;
}

SocketAddress SocketAddress::of_socket(int socket) {
  SocketAddress address;
  address.length_ = sizeof address.storage_;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&address.storage_), &address.length_) != 0)
    address.length_ = 0;
  return address;
}

SocketAddress SocketAddress::from(const sockaddr_storage& storage, socklen_t length) {
  SocketAddress address;
  address.storage_ = storage;
  address.length_ = length;
  return address;
}

std::uint16_t SocketAddress::port() const {
  return ntohs(family() == AF_INET6 ? as_ipv6(storage_).sin6_port : as_ipv4(storage_).sin_port);
}

std::string SocketAddress::host() const {
  char text[NI_MAXHOST] = "?";
  ::getnameinfo(get(), length_, text, sizeof text, nullptr, 0, NI_NUMERICHOST);
  return text;
}

std::string SocketAddress::to_string() const {
  return family() == AF_INET6 ? fmt::format("[{}]:{}", host(), port()) : fmt::format("{}:{}", host(), port());
}

bool SocketAddress::is_any() const {
  if (family() == AF_INET6) return IN6_IS_ADDR_UNSPECIFIED(&as_ipv6(storage_).sin6_addr);
  return as_ipv4(storage_).sin_addr.s_addr == INADDR_ANY;
}

bool SocketAddress::operator==(const SocketAddress& other) const {
  if (family() != other.family() || port() != other.port()) return false;
  if (family() != AF_INET6)
    return as_ipv4(storage_).sin_addr.s_addr == as_ipv4(other.storage_).sin_addr.s_addr;
  const sockaddr_in6 &left = as_ipv6(storage_), &right = as_ipv6(other.storage_);
  return IN6_ARE_ADDR_EQUAL(&left.sin6_addr, &right.sin6_addr) && left.sin6_scope_id == right.sin6_scope_id;
}

UniqueFd listen_on(const SocketAddress& address, int type) {
  UniqueFd socket(::socket(address.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return socket;
  const int on = 1;
  if (address.family() == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  // Connections of a forwarder before this one may still be in TIME_WAIT.
  if (type == SOCK_STREAM) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = ::bind(socket.get(), address.get(), address.length()) == 0 &&
                     (type != SOCK_STREAM || ::listen(socket.get(), SOMAXCONN) == 0);
  if (bound) return socket;
  const int number = errno;
  socket.reset();
  errno = number;
  return socket;
}

}  // namespace envtool
