#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/manifest.h"

namespace envtool::lxc {

inline constexpr std::uint64_t reserve = 64 << 20;  ///< bytes that an unpacking leaves free for others
inline constexpr const char* make_room =
    "make room there, for instance by destroying machines or with 'envtool box prune'";

struct Unpacked {
  std::string digest;  ///< of the box, as its sender says
  Manifest manifest;
};

/// Unpacks the tree that comes by a channel on standard input into an empty directory, on several threads.
/// Its sender is not trusted: nothing is written outside of the directory. Request: `box`, for messages.
/// Throws Error(failed) naming the file that cannot be written, and where the tree ends too early.
Unpacked unpack(const Context& context, const std::filesystem::path& directory);

}  // namespace envtool::lxc
