#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <vector>

#include "forward/destination.h"
#include "forward/loop.h"

namespace envtool::forward {

class TcpConnection;

/// Carries TCP connections both ways. Each direction ends by itself: a client that has sent all can still
/// wait for the answer. A side that does not read stops the other one from sending; nothing piles up here.
class TcpRelay {
 public:
  explicit TcpRelay(Loop& loop);
  ~TcpRelay();

  /// Takes the connections that wait at the listener and begins one to the destination for each. A client
  /// whose destination refuses, does not answer in time or cannot be reached is reset.
  void accept_from(int listener, const Destination& destination);

  /// Whether a connection attempt must be given up if nothing happens.
  bool wants_ticks() const { return !attempts_.empty(); }
  void tick();

 private:
  struct Attempt {
    const TcpConnection* connection;
    std::chrono::steady_clock::time_point deadline;
  };
  void begin(UniqueFd client, const Destination& destination);
  void refuse_one(int listener);
  void on_event(TcpConnection& connection, bool from_client, std::uint32_t events);

  Loop& loop_;
  std::vector<char> buffer_;  ///< shared: what cannot be passed on at once is kept by its connection
  std::map<const TcpConnection*, std::unique_ptr<TcpConnection>> connections_;
  std::vector<Attempt> attempts_;
  UniqueFd reserve_;  ///< given up for a moment to turn a client away when descriptors have run out
};

}  // namespace envtool::forward
