#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "core/operation.h"

namespace envtool {

/// Where the checksums of a stored box are, in the format of `sha256sum`.
inline constexpr const char* checksums_file = ".sha256sums";

/// The file's SHA-256, 64 hexadecimal digits. Reports progress in bytes.
std::string digest_of_file(const std::filesystem::path& path, Operation& operation);

/// Writes the checksums of all files below the directory and gives them by relative path. Throws
/// Error(failed) when the box brings a file of that name, or a name with a line break.
std::map<std::string, std::string> write_checksums(const std::filesystem::path& directory,
                                                   Operation& operation);

/// Reads every file once more. Throws Error(failed) naming the first that is changed, missing or new, and
/// when there are no checksums.
void check_checksums(const std::filesystem::path& directory, Operation& operation);

}  // namespace envtool
