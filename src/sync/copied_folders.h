#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/services.h"

namespace envtool {

/// The `ssh` command, as words without a destination, by which rsync shall reach the endpoint.
using RemoteShell = std::function<std::vector<std::string>(const SshEndpoint&)>;

/// Copies folders by the host's rsync over its OpenSSH client or by SFTP, and watches them by inotify. Safe
/// from several threads.
class CopiedFolders : public FolderSync {
 public:
  explicit CopiedFolders(RemoteShell remote_shell) : remote_shell_(std::move(remote_shell)) {}
  Copied push(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
              Operation& operation) override;
  std::unique_ptr<FolderWatch> watch(const std::vector<FolderConfig>& folders) override;

 private:
  RemoteShell remote_shell_;
};

}  // namespace envtool
