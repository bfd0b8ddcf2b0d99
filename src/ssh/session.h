#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/files.h"
#include "ssh/keys.h"
#include "ssh/libssh.h"
#include "ssh/readiness.h"

namespace envtool {

/// What one exec channel is to do.
struct ExecRequest {
  std::string line;
  /// Gives the next piece of standard input; an empty one ends it. A piece lives until the next call.
  std::function<std::string_view()> next_input;
  std::function<void(std::string_view)> on_output;
  std::function<void(std::string_view)> on_error;
  /// Called at least every 50 ms; what it throws closes the channel.
  std::function<void()> tick;
};

/// One authenticated SSH connection over libssh, which never blocks for longer than 50 ms. Owned by one
/// thread. Reads no configuration, no agent and no known_hosts of the user's.
class SshSession {
 public:
  /// One attempt on a socket whose banner waits to be read. The server must have one of the pinned keys; with
  /// none pinned, any will do. Logs in with the endpoint's first key, when it has one.
  /// Throws NotReady.
  SshSession(UniqueFd socket, const SshEndpoint& endpoint, const std::vector<PinnedKey>& pinned,
             Patience& patience);
  ~SshSession();
  SshSession(const SshSession&) = delete;
  SshSession& operator=(const SshSession&) = delete;

  /// Runs the line to its end; the status is the guest's, or 128 + the number of the signal that ended it. A
  /// process that the command leaves behind with its output open is not waited for. Throws Error(failed) when
  /// the connection is lost.
  int exec(const ExecRequest& request);

  /// For other uses of the connection, on its thread, which leave it as it was: not blocking.
  ssh_session handle() const { return session_; }

 private:
  struct Channel;

  void configure(const SshEndpoint& endpoint, const std::vector<PinnedKey>& pinned);
  void exchange_keys(const std::vector<PinnedKey>& pinned, Patience& patience);
  void log_in(const SshEndpoint& endpoint, Patience& patience);
  /// Calls until the answer is not SSH_AGAIN, with `tick` between.
  int complete(const std::function<int()>& call, const std::function<void()>& tick);
  void wait_for_traffic();
  void feed(Channel& channel, const ExecRequest& request);
  bool drain(Channel& channel, const ExecRequest& request);
  [[noreturn]] void fail(const std::string& what);
  std::string last_error() const;

  struct EventDeleter {
    void operator()(ssh_event event) const { ssh_event_free(event); }
  };

  ssh_session session_;
  std::unique_ptr<ssh_event_struct, EventDeleter> event_;  ///< once logged in
};

}  // namespace envtool
