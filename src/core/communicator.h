#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/guest_files.h"
#include "core/operation.h"

namespace envtool {

/// How a guest is reached by SSH.
struct SshEndpoint {
  std::string host;
  int port = 22;
  std::string user;
  std::filesystem::path private_key;
  std::filesystem::path known_hosts;  ///< holds this machine's pinned key only
  std::string host_key_alias;         ///< the name under which known_hosts has it
  /// When set, the address counts only while the route to it goes through this device of ours.
  std::string device = {};
  /// Not empty: no route of this host leads there, but this command of its shell does
  /// (base/command_socket.h).
  std::string proxy = {};
  /// Host and port lead to the guest's sshd alone; its other ports are reached through that.
  bool ssh_only = false;
  /// Not empty: the guest may still know only this private key, which is everybody's, and have any host key.
  std::string first_key = {};
};

/// A command for the guest. `script` is run by `sh -c` there unless `argv` is given, which no shell sees.
struct GuestCommand {
  std::string script = {};
  std::vector<std::string> argv = {};
  std::map<std::string, std::string> environment = {};
  std::string directory = {};  ///< empty: the user's home
  std::string user = {};       ///< empty: the ssh user; else by sudo
  std::string input = {};
  /// Sinks for output as it comes; without one it is collected in the result.
  std::function<void(std::string_view)> on_output = {};
  std::function<void(std::string_view)> on_error = {};
  std::chrono::milliseconds timeout{0};  ///< zero: none
  std::string job = {};                  ///< what end_job finds its processes by; empty: nobody will ask
};

/// A connection to one guest. Owned by one thread.
class Communicator {
 public:
  virtual ~Communicator() = default;
  /// Runs to the end; the status is the guest's. Throws Error(failed) when the connection is lost.
  /// A stop request ends the command in the guest and throws Interrupted.
  virtual ProcessResult run(const GuestCommand& command, Operation& operation) = 0;
  /// Ends what still runs in the guest of commands of that job, whose connection was lost. Returns when
  /// nothing of it is left, which takes two seconds when it must be killed.
  virtual void end_job(const std::string& job, Operation& operation) = 0;
  /// Writes a file of the guest's as the ssh user, or as root with `as_root`, by rename in its directory.
  struct Upload {
    std::filesystem::path source;  ///< a file of the host; or
    std::string content;           ///< these bytes, when `source` is empty
    std::string destination;
    unsigned mode = 0644;
    std::string owner;  ///< "user", "user:group" or empty; needs as_root
    bool as_root = false;
  };
  virtual void upload(const Upload& file, Operation& operation) = 0;
  virtual std::string download(const std::string& path, Operation& operation) = 0;
  /// The guest's files by that program, which is an SFTP server of the guest's and runs as that user (empty:
  /// the ssh user). Throws Error(failed) when it does not begin.
  virtual std::unique_ptr<GuestFiles> open_files(const std::string& server, const std::string& user,
                                                 Operation& operation) = 0;
};

/// One thing to wait for until a guest can be used, with what to say when it does not come.
struct ReadyPhase {
  std::string name;  ///< "the SSH port to open"
  std::chrono::milliseconds timeout;
  std::string hint;
};

/// Makes connections. Waits in phases (port open, SSH banner, host key, authenticated), each with a deadline.
class CommunicatorFactory {
 public:
  virtual ~CommunicatorFactory() = default;
  /// Connects, waiting at most `timeout` in all for the guest to come up. `still_alive` is asked now and then
  /// and throws when waiting is pointless. Throws Error(failed) naming the phase that failed and what was
  /// last seen.
  virtual std::unique_ptr<Communicator> connect(const SshEndpoint& endpoint,
                                                std::chrono::milliseconds timeout,
                                                const std::function<void()>& still_alive,
                                                Operation& operation) = 0;
};

}  // namespace envtool
