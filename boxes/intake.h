#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "boxes/byte_source.h"
#include "core/box.h"

namespace envtool {

/// How a box file becomes a box.
struct Intake {
  const BoxRequest& request;
  std::filesystem::path directory;  ///< is filled; what was written stays for the caller when it fails
  /// Called with the file's digest when all of it was read, before anything of it counts; may throw.
  std::function<void(const std::string& digest)> accept = {};
};

/// Reads the whole file and makes a complete box of it: an archive with `metadata.json`, an archive or a
/// squashfs of a root file system, or a disk image (qcow2, or raw with a boot sector), known by content. A
/// root file system goes to the request's RootfsStore while it comes, where there is one. Throws
/// Error(failed) for what is no box, Error(unsupported) at the box's position for one that nobody who asks
/// takes, and what the file throws. Gives the digest.
std::string take_in(BoxFile& file, const Intake& intake, Operation& operation);

/// Throws Error(unsupported) at the box's position when the request does not take that format.
void check_format(const BoxRequest& request, const std::string& format);

}  // namespace envtool
