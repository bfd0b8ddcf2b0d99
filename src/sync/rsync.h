#pragma once

#include <string>
#include <vector>

#include "core/services.h"

namespace envtool {

/// A guest, and the `ssh` command, as words without a destination, by which rsync shall reach it.
struct RsyncTarget {
  const SshEndpoint& endpoint;
  std::vector<std::string> remote_shell;
};

/// The command line that makes the guest's folder like the host's: what `exclude` names is left alone on both
/// sides, and the project's own `.envtool` always is. Files belong to `owner`, a "user:group".
std::vector<std::string> rsync_command(const FolderConfig& folder, const std::string& owner,
                                       const RsyncTarget& target);

/// Thrown where the host or the guest has no rsync, so that another way may be tried.
class NoRsync : public Error {
 public:
  /// The reason is words that go on a sentence: "the guest has no rsync".
  NoRsync(const FolderConfig& folder, const std::string& reason, const std::string& hint);
  const std::string& reason() const { return reason_; }

 private:
  std::string reason_;
};

/// Copies with the host's rsync over its OpenSSH client. Throws NoRsync, and Error(failed).
void push_by_rsync(const FolderConfig& folder, const RsyncTarget& target, Communicator& communicator,
                   Operation& operation);

}  // namespace envtool
