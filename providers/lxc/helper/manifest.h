#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>

#include "providers/lxc/parts/import_stream.h"

namespace envtool::lxc {

/// Lies beside a box's unpacked root file system.
inline constexpr const char* manifest_file = "manifest";
inline constexpr std::size_t largest_manifest = 1 << 30;

using KnownFiles = std::unordered_map<std::string, KnownFile>;

/// A line for everything below the tree, sorted: kind, mode, owner, group, what it holds (a file's size and
/// SHA-256, a link's target, a device's numbers), its extended attributes, its name. Times are no part of it,
/// so that one box has one manifest. Files that are still as they came are not read; `files` is by path
/// relative to the tree.
std::string manifest_of(const std::filesystem::path& tree, const KnownFiles& files);

/// What the first difference between two manifests is, in words; empty when there is none.
std::string manifest_difference(const std::string& then, const std::string& now);

}  // namespace envtool::lxc
