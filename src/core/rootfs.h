#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/tree_entry.h"
#include "core/operation.h"

namespace envtool {

/// A root file system that a provider unpacks while it comes. Destroyed before it is published, nothing of it
/// is left. Of one thread at a time. All throw Error(failed) when it cannot be unpacked.
class RootfsSink {
 public:
  virtual ~RootfsSink() = default;
  /// The next entry. Nothing in it leads outside: boxes are checked before root sees them. Directories above
  /// it that did not come are made; only a directory may come again, and a hard link's target came before.
  virtual void add(const TreeEntry& entry) = 0;
  /// The next bytes of the file that was added last.
  virtual void write(std::string_view bytes) = 0;
  /// A hole: so many bytes of that file, which read as zeros.
  virtual void skip(std::uint64_t size) = 0;
  /// Puts it into its place at the end, as the box of that digest; where there is one already, that stays.
  /// Gives what `verify_rootfs` wants to know.
  virtual std::string publish(const std::string& digest, Operation& operation) = 0;
};

/// What is known of a root file system before it comes.
struct RootfsOrigin {
  std::string box;           ///< for messages
  std::uint64_t packed = 0;  ///< bytes of its archive; 0: not known
  bool is_bare = false;      ///< nobody made it for machines: what they need and it lacks is put into it
};

/// A power of providers whose machines share the unpacked root file system of their box.
class RootfsStore {
 public:
  virtual ~RootfsStore() = default;
  /// Whether it has that box's. Fast, and needs no privilege.
  virtual bool has_rootfs(const std::string& digest) = 0;
  /// Begins to take one. Throws Error(host_not_ready) when nothing can be taken on this host now.
  virtual std::unique_ptr<RootfsSink> take_rootfs(const RootfsOrigin& origin, Operation& operation) = 0;
  /// Reads that box's once more. Throws Error(failed) saying what is not as it was when it was published.
  /// `manifest` is what `publish` gave; empty when that is not known.
  virtual void verify_rootfs(const std::string& digest, const std::string& manifest,
                             Operation& operation) = 0;
};

}  // namespace envtool
