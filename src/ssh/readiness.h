#pragma once

#include <functional>
#include <string>

#include "core/communicator.h"

namespace envtool {

/// How far a connection gets, in order.
enum class Stage { route, port, banner, key_exchange, login };

enum class Verdict {
  again,     ///< the guest may still be coming up
  refused,   ///< the key was refused: a few more times, since a guest may be about to learn it
  hopeless,  ///< waiting cannot help
};

/// Thrown by one attempt to connect that did not succeed; does not leave this folder.
struct NotReady {
  Stage stage;
  std::string seen;  ///< "connection refused"
  Verdict verdict = Verdict::again;
  std::string hint = {};
};

/// What is to be thrown for it when the connection goes through that command, which said this on its standard
/// error: that OpenSSH is not let into the host in between is hopeless.
NotReady not_ready_through(const std::string& command, const NotReady& reason, const std::string& messages);

/// How long somebody is ready to wait, and what may end it earlier.
class Patience {
 public:
  Patience(std::chrono::milliseconds timeout, const std::function<void()>& still_alive, Operation& operation);

  /// To be called at least every 50 ms while waiting. Throws Interrupted, and what `still_alive` throws,
  /// which is asked four times a second.
  void tick();
  std::chrono::milliseconds elapsed() const;
  std::chrono::milliseconds left() const { return timeout_ - elapsed(); }
  /// Waits between two attempts, in ticks, never past the end.
  void rest(std::chrono::milliseconds duration);
  std::chrono::steady_clock::time_point now() const { return operation_.host.clock.now(); }

 private:
  std::chrono::milliseconds timeout_;
  const std::function<void()>& still_alive_;
  Operation& operation_;
  std::chrono::steady_clock::time_point begin_;
  std::chrono::steady_clock::time_point asked_;
};

/// Tries until an attempt does not throw NotReady. Every stage has a deadline of its own beside the whole.
/// Throws Error(failed) naming the stage at which it ended, how long it waited there, and what was seen last.
void connect_patiently(const SshEndpoint& endpoint, const std::function<void()>& attempt, Patience& patience);

}  // namespace envtool
