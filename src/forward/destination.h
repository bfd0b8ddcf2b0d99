#pragma once

#include <string>

#include "base/sockets.h"

namespace envtool::forward {

/// A port of the guest, and how it is reached.
struct Destination {
  SocketAddress address;
  std::string device;   ///< the only one that may lead there; empty: any
  std::string command;  ///< leads there in place of any device; empty: none. TCP only
  bool operator==(const Destination&) const = default;
};

/// A non-blocking socket of that type whose connection to the destination is made or under way. Where the
/// guest is not behind its device there is none: the address may be somebody else's by now. Without one errno
/// says why.
UniqueFd connect_to(const Destination& destination, int type);

}  // namespace envtool::forward
