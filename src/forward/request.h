#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/sockets.h"
#include "base/value.h"

namespace envtool::forward {

/// One port to listen on and the guest's port behind it.
struct Rule {
  SocketAddress listen;
  std::uint16_t guest_port = 0;
  int type = 0;  ///< SOCK_STREAM or SOCK_DGRAM
};

/// What core/forwarder.cpp asks for: this program's one argument, a JSON object.
///
///     directory   where forwarder.lock, forwarder.json and forwarder.sock are
///     forwards    [{bind, host, guest, protocol}]
///     fresh       indices of those that no running forwarder listens on
///     guest       the guest's address
///     device      the only device that leads to it, or ""
///     command     what leads to it in place of a device, or "" (base/command_socket.h)
///     run         names the machine's run, for whoever compares; not empty: `run_ended` is a descriptor
///     uid, gid    whom to become once the ports are bound
///     report      the descriptor for the outcome, see main.cpp
///     run_ended   the descriptor that becomes readable when the run ends
struct Request {
  std::filesystem::path directory;
  std::vector<Rule> rules;
  std::vector<std::size_t> fresh;
  std::string guest, device, command, run;
  uid_t uid = 0;
  gid_t gid = 0;
  int report = -1;
  int run_ended = -1;
  Value document;
};

/// Throws Error(usage) for what is no such object.
Request parse_request(std::string_view text);

/// The same without what only concerns the start: forwarder.json, which says what is served.
Value served(const Request& request);

}  // namespace envtool::forward
