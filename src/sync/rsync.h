#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/services.h"

namespace envtool {

/// The `ssh` command, as words without a destination, by which rsync shall reach the endpoint.
using RemoteShell = std::function<std::vector<std::string>(const SshEndpoint&)>;

/// The command line that makes the guest's folder like the host's: what `exclude` names is left alone on both
/// sides, and the project's own `.envtool` always is. Files belong to `owner`, a "user:group".
std::vector<std::string> rsync_command(const FolderConfig& folder, const std::string& owner,
                                       const SshEndpoint& endpoint,
                                       const std::vector<std::string>& remote_shell);

/// Pushes folders with the host's rsync over its OpenSSH client, and watches them by inotify. Safe from
/// several threads.
class RsyncFolderSync : public FolderSync {
 public:
  explicit RsyncFolderSync(RemoteShell remote_shell) : remote_shell_(std::move(remote_shell)) {}
  void push(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
            Operation& operation) override;
  std::unique_ptr<FolderWatch> watch(const std::vector<FolderConfig>& folders) override;

 private:
  RemoteShell remote_shell_;
};

}  // namespace envtool
