#pragma once

#include <map>
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
  std::map<std::string, std::string> parameters;

  bool is_remote() const { return !host.empty(); }
  /// Of an ordinary user, without a network of the host's.
  bool is_session() const { return path == "/session"; }
};

/// A text that is no URI is a driver that nobody has.
Uri parse_uri(std::string_view text);

/// Throws Error(unsupported) with what machines need and that libvirt lacks: it is no QEMU, it is the session
/// of another host, or of root.
void check_uri(const std::string& text, bool is_root);

/// What mends a connection that libvirt could not open to that URI, saying why: it tells the causes apart in
/// words only.
std::string connection_hint(const std::string& text, std::string_view why);

/// The command that leads from this host to port `%p` of the guest `%h` on the host of that URI, by SSH, as
/// its user and with its key; empty for this host (base/command_socket.h).
std::string way_to_guests(const Uri& uri);

/// The command that does nothing on the host of that URI, by SSH as above, and gives up after ten seconds
/// without an answer; libvirt itself would wait for minutes.
std::string knock_at_host(const Uri& uri);

}  // namespace envtool::libvirt
