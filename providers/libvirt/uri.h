#pragma once

#include <string>
#include <string_view>

namespace envtool::libvirt {

/// What a connection's URI says. Source: libvirt.org/uri.html.
struct Uri {
  std::string driver;     ///< "qemu"
  std::string transport;  ///< "ssh"; may be empty
  std::string user, host;
  int port = 0;  ///< 0: none is written
  std::string path;

  bool is_remote() const { return !host.empty(); }
  /// Of an ordinary user, without a network of the host's.
  bool is_session() const { return path == "/session"; }
};

/// A text that is no URI is a driver that nobody has.
Uri parse_uri(std::string_view text);

}  // namespace envtool::libvirt
