#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <vector>

#include "core/box.h"
#include "core/communicator.h"
#include "core/registry.h"

namespace envtool {

/// A key pair as texts in OpenSSH's formats.
struct KeyPair {
  std::string private_key;
  std::string public_key;  ///< "ssh-ed25519 AAAA... comment"
};

/// Sees changes in folders of the host, from the moment it is made.
class FolderWatch {
 public:
  virtual ~FolderWatch() = default;
  /// Until something has changed since the last time, and then for a moment of rest. Throws Interrupted.
  virtual void wait(const std::stop_token& stop) = 0;
};

/// Copies folders into guests that cannot see the host's.
class FolderSync {
 public:
  virtual ~FolderSync() = default;
  /// How it was done.
  struct Copied {
    FolderType type = FolderType::rsync;  ///< or sftp
    std::string why = {};                 ///< not by rsync, as words that go on a sentence
  };
  /// Makes the guest's directory like the host's, `exclude` left alone on both sides: by rsync or sftp where
  /// the folder's type says so, else by the first of them that can be. Throws Error(failed), and
  /// Error(host_not_ready) when what it needs is missing here or there.
  virtual Copied push(const FolderConfig& folder, const SshEndpoint& endpoint, Communicator& communicator,
                      Operation& operation) = 0;
  /// Throws Error(host_not_ready) when the host cannot watch that much.
  virtual std::unique_ptr<FolderWatch> watch(const std::vector<FolderConfig>& folders) = 0;
};

/// One forward of a host port to a guest's, as it is or shall be.
struct Forward {
  std::string bind;
  std::uint16_t host = 0;
  std::uint16_t guest = 0;
  Protocol protocol = Protocol::tcp;
  bool operator==(const Forward&) const = default;
};

/// Everything the engine works through, handed in by `main`, or by a test.
struct Services {
  const ProviderRegistry& providers;
  const ProvisionerRegistry& provisioners;
  BoxSource& boxes;
  CommunicatorFactory& communicators;
  FolderSync& folders;
  std::function<KeyPair(const std::string& comment)> make_key;  ///< a new ed25519 pair
  /// Ends connections that programs share (SSH control masters) before a machine stops. Never throws an
  /// Error.
  std::function<void(const SshEndpoint& endpoint, Operation& operation)> close_connections = {};
  /// Writes a box file. What it is made of is looked at before the root file system is asked for, and the
  /// file is complete or absent. Throws Error(failed), for a file that is there already too.
  std::function<void(const NewBox& box, Operation& operation)> write_box = {};
};

}  // namespace envtool
