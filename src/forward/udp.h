#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "forward/destination.h"
#include "forward/loop.h"

namespace envtool::forward {

/// Carries the datagrams of one listener. Each client has a socket of its own towards the guest, so that
/// answers find their way back; it is closed after 60 s of silence, or when 1024 later clients have come.
class UdpRelay {
 public:
  /// The listener must outlive it.
  UdpRelay(Loop& loop, int listener);
  ~UdpRelay();

  /// Passes on what waits at the listener.
  void receive(const Destination& destination);
  /// Forgets all clients, whose datagrams then go to the next `receive`'s destination.
  void forget_clients();

  bool wants_ticks() const { return !sessions_.empty(); }
  void tick();

 private:
  struct Session;
  Session* session_of(const SocketAddress& client, const Destination& destination);
  void answer(Session& session);

  Loop& loop_;
  int listener_;
  std::vector<char> buffer_;
  std::map<std::string, std::unique_ptr<Session>> sessions_;  ///< by the bytes of the client's address
};

}  // namespace envtool::forward
