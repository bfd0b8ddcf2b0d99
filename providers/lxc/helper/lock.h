#pragma once

#include <chrono>
#include <filesystem>

#include "base/files.h"

namespace envtool::lxc {

/// Held while it lives; the kernel frees it with the process.
using Lock = FileLock;

/// Takes the lock on that file, made when missing. Throws Error(busy) when the time is over.
Lock wait_for_lock(const std::filesystem::path& path, std::chrono::milliseconds timeout);

/// A machine's own lock: on its directory in the lxcpath, which is there exactly as long as the machine. With
/// `make` the directory is made. Without it, and when there is none, nothing. Throws Error(busy) when the
/// time is over.
UniqueFd wait_for_machine(const std::filesystem::path& directory, bool make,
                          std::chrono::milliseconds timeout);

}  // namespace envtool::lxc
