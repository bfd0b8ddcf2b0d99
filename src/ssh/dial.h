#pragma once

#include "base/files.h"
#include "ssh/readiness.h"

namespace envtool {

/// One attempt to reach an SSH server: the route is checked before a packet is sent, then the port, then that
/// an SSH banner waits to be read. The socket does not block; a peer that dies is noticed within half a
/// minute. Throws NotReady.
UniqueFd dial(const SshEndpoint& endpoint, Patience& patience);

}  // namespace envtool
