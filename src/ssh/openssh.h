#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "core/communicator.h"

/// The host's own OpenSSH client: for `envtool ssh`, `ssh-config`, rsync and people's own tools.
namespace envtool {

struct OpenSshOptions {
  bool forward_agent = false;
  /// One connection is shared through this socket, see control_path; empty: none is.
  std::filesystem::path control_path = {};
  std::chrono::seconds control_persist{60};
};

/// A `Host` block for ssh_config. Values are quoted and `%` doubled as ssh_config(5) wants it.
/// Throws Error(failed) for a path that ssh_config cannot carry (a line break, a double quote, `${`).
std::string ssh_config_block(const std::string& name, const SshEndpoint& endpoint,
                             const OpenSshOptions& options);

/// `ssh` and its arguments up to and without the destination, the user's and the host's configuration left
/// out.
std::vector<std::string> ssh_arguments(const SshEndpoint& endpoint, const OpenSshOptions& options);

/// The directory of control sockets, made 0700 where it is missing: `paths.runtime`, or the one below /tmp
/// where a socket in it would have too long a name. Throws Error(host_not_ready) when it belongs to somebody
/// else or others may enter it.
std::filesystem::path control_directory(const HostPaths& paths);

/// The socket of this machine in that directory; another host key, another name.
std::filesystem::path control_path(const std::filesystem::path& directory, const SshEndpoint& endpoint);

/// Ends the shared connection, if there is one: before a machine stops, and before it starts anew, when a
/// socket can only be a dead one. Never throws an Error.
void end_control_master(const std::filesystem::path& socket, Operation& operation);

}  // namespace envtool
