#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/operation.h"
#include "core/services.h"

namespace envtool {

/// What a machine's forwarder is to serve.
struct ForwarderRequest {
  std::filesystem::path directory;  ///< the machine's state directory; holds forwarder.{lock,json,sock,log}
  std::vector<Forward> forwards;
  std::string guest_address;
  std::string device;        ///< the guest is reached only through it; empty: by any route
  std::string command = {};  ///< leads there in place of routes, for TCP; empty: none (base/command_socket.h)
  /// Readable when the machine's run ends, and the forwarder with it; -1: it stays until it is stopped. Still
  /// the caller's afterwards.
  int run_ended = -1;
};

/// The machines' forwarders: one `envtool-forward` process a machine, which outlives this program. One is
/// found again by the lock that it holds on `forwarder.lock`. Changes to one machine's are made under the
/// machine's lock.
class Forwarders {
 public:
  explicit Forwarders(Host& host);

  /// What a living forwarder serves; empty when there is none. Starts nothing, takes microseconds.
  std::vector<Forward> active(const std::filesystem::path& directory) const;

  /// Makes the machine's forwarder serve exactly this and returns when it does. The same set for the same
  /// guest and run is left alone; otherwise ports that stay are never closed and their connections go on. No
  /// forwards: as `stop`. Throws Error(failed) for a port that is taken, and then what was served before is
  /// still served.
  void ensure(const ForwarderRequest& request, Operation& operation);

  /// Ends the machine's forwarder and waits until it is gone; none there: nothing to do. Throws Error(failed)
  /// when it does not end.
  void stop(const std::filesystem::path& directory);

 private:
  Host& host_;
};

}  // namespace envtool
