#pragma once

#include <string>

#include "base/sockets.h"

namespace envtool::forward {

/// A port of the guest, and the only device by which it may be reached; empty: any.
struct Destination {
  SocketAddress address;
  std::string device;
};

/// A non-blocking socket of that type whose connection to the destination is made or under way. Where the
/// guest is not behind its device there is none: the address may be somebody else's by now. Without one errno
/// says why.
UniqueFd connect_to(const Destination& destination, int type);

}  // namespace envtool::forward
