#pragma once

#include <filesystem>

/// Subvolumes of btrfs: trees that are copied and removed at once, whatever is in them. See
/// Documentation/filesystems/btrfs.rst and linux/btrfs.h of the kernel.
namespace envtool::lxc {

bool is_on_btrfs(const std::filesystem::path& path);

/// False too for what is not there.
bool is_subvolume(const std::filesystem::path& path);

/// Makes an empty one, or a plain directory where there can be none. There already: nothing to do. Throws
/// Error(failed).
void make_subvolume_or_directory(const std::filesystem::path& path);

/// A copy that shares every block with the other one until one of them is written into. Complete or absent.
/// Throws Error(failed).
void copy_subvolume(const std::filesystem::path& from, const std::filesystem::path& to);

/// Removes the tree: subvolumes in its first two levels at once, all else file by file. Not there: nothing to
/// do. Throws what remove_tree throws.
void remove_subvolumes(const std::filesystem::path& tree);

}  // namespace envtool::lxc
