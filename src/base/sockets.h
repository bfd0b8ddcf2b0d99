#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

#include "base/files.h"

namespace envtool {

/// An Internet address with a port, as the socket calls take it.
class SocketAddress {
 public:
  /// Of a numeric IPv4 or IPv6 address, with or without brackets; nothing for anything else.
  static std::optional<SocketAddress> parse(const std::string& host, std::uint16_t port);
  /// What the socket is bound to.
  static SocketAddress of_socket(int socket);
  /// From what recvfrom, accept and the like filled in.
  static SocketAddress from(const sockaddr_storage& storage, socklen_t length);

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  std::uint16_t port() const;
  /// The address alone, numeric, without brackets.
  std::string host() const;
  /// "127.0.0.1:80", "[::1]:80".
  std::string to_string() const;
  /// 0.0.0.0 or ::
  bool is_any() const;
  /// By address and port.
  bool operator==(const SocketAddress& other) const;

 private:
  sockaddr_storage storage_ = {};
  socklen_t length_ = 0;
};

/// A non-blocking socket bound there, and listening when `type` is SOCK_STREAM. "::" takes IPv6 only, so that
/// it stands beside 0.0.0.0. On failure the result is invalid and errno says why.
UniqueFd listen_on(const SocketAddress& address, int type);

}  // namespace envtool
