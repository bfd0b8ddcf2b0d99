#pragma once

#include <memory>
#include <string>
#include <vector>

#include "forward/loop.h"
#include "forward/request.h"
#include "forward/tcp.h"
#include "forward/udp.h"

namespace envtool::forward {

/// Serves a machine's forwards until its run ends or SIGTERM comes. A later forwarder for the same machine
/// hands its request and the ports that it bound to this one and leaves, so that nothing is closed in
/// between.
class Server {
 public:
  /// Expects to hold the machine's forwarder.lock, and SIGTERM to be blocked.
  explicit Server(std::filesystem::path directory);
  ~Server();

  /// Makes this what is served. `sockets` are bound for rules that are new; any of no use are closed. The
  /// empty text when it is done, otherwise what is wrong, and nothing has changed.
  std::string take(Request request, std::vector<UniqueFd> sockets, UniqueFd run_ended);
  void run();

 private:
  struct Listener;
  using Listeners = std::vector<std::unique_ptr<Listener>>;

  std::unique_ptr<Listener> find(const Rule& rule, Listeners& current, std::vector<UniqueFd>& sockets);
  std::unique_ptr<Listener> make(const Rule& rule, UniqueFd socket);
  void direct(Listener& listener, const Rule& rule, const Request& request);
  void hear_successor();
  bool wants_ticks() const;

  std::filesystem::path directory_;
  Loop loop_;
  TcpRelay tcp_;
  Listeners listeners_;
  UniqueFd signals_, successors_, run_ended_;
  std::unique_ptr<Loop::Watch> signals_watch_, successors_watch_, run_ended_watch_;
};

/// The messages by which one forwarder hands over to another: each new port's socket with the first, then the
/// request with the run's descriptor, answered by `done` or by what is wrong.
namespace handing_over {
inline constexpr std::string_view socket = "socket";
inline constexpr std::string_view done = "done";
}  // namespace handing_over

}  // namespace envtool::forward
