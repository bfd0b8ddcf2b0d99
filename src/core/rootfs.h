#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/operation.h"

namespace envtool {

/// A file of a root file system that is on its way.
struct RootfsFile {
  std::string path;  ///< relative to the top
  std::uint64_t size = 0;
  std::int64_t modified = 0;  ///< seconds since the epoch
  std::string sha256;
};

/// A root file system that a provider unpacks while it comes. Destroyed before it is published, nothing of it
/// is left. Of one thread at a time.
class RootfsSink {
 public:
  virtual ~RootfsSink() = default;
  /// The next bytes of a plain tar with the root file system's own names, in which nothing leads outside:
  /// boxes are checked before root sees them. Throws Error(failed) when it cannot be unpacked.
  virtual void write(std::string_view bytes, Operation& operation) = 0;
  /// What a file of the tar holds, so that nobody has to read it again to know.
  virtual void note_file(const RootfsFile& file) = 0;
  /// Puts it into its place at the end of the tar, as the box of that digest; where there is one already,
  /// that stays. Gives what `verify_rootfs` wants to know.
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
