#pragma once

#include <filesystem>
#include <string>

namespace envtool {

/// A digest of a file's content and mode, or of a directory with all below it: names, kinds, modes, contents
/// and the targets of symbolic links, which are not followed. `.git` and `.envtool` are passed over. "absent"
/// where there is nothing. Throws Error(failed) for what cannot be read.
std::string tree_digest(const std::filesystem::path& path);

}  // namespace envtool
