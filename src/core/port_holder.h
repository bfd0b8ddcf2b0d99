#pragma once

#include <optional>
#include <string>

#include "base/sockets.h"
#include "config/model.h"

namespace envtool {

/// Who keeps others from binding a port, as /proc tells this user.
struct PortHolder {
  int pid = 0;          ///< 0: not to be seen by this user
  std::string program;  ///< empty when `pid` is 0
  std::string user;     ///< who owns the socket

  /// "'nginx' (pid 812)", "a program of user 'root'".
  std::string to_string() const;
};

/// The holder of that port on that address or on all addresses; nothing when nobody is seen to hold it.
std::optional<PortHolder> find_port_holder(const SocketAddress& address, Protocol protocol);

}  // namespace envtool
