#pragma once

#include <chrono>
#include <memory>

#include "providers/libvirt/connection.h"

/// libvirt's event loop, which one thread of this program runs.
namespace envtool::libvirt {

/// Starts the thread, the first time. Only connections that open afterwards have events, and are noticed when
/// the other host of theirs falls silent. Safe from any thread.
void run_event_loop();

/// As long as this is there, nobody runs the loop but its owner's thread, by virEventRunDefaultImpl.
class OwnEventLoop {
 public:
  OwnEventLoop();
  ~OwnEventLoop();
  OwnEventLoop(const OwnEventLoop&) = delete;
  OwnEventLoop& operator=(const OwnEventLoop&) = delete;
};

/// Hears what happens to a domain's run from its making on.
class DomainWatch {
 public:
  DomainWatch(const Connection& connection, const Domain& domain);
  ~DomainWatch();
  DomainWatch(const DomainWatch&) = delete;
  DomainWatch& operator=(const DomainWatch&) = delete;

  /// Returns when something has happened since the last call, or `limit` is over.
  void wait(std::chrono::milliseconds limit);

 private:
  struct State;
  const Connection& connection_;
  std::shared_ptr<State> state_;
  int callback_ = -1;
};

}  // namespace envtool::libvirt
