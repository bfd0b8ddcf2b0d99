#pragma once

#include <filesystem>

/// A box counts when all of it is there, and nobody waits until the disk has it too: a gigabyte would take
/// longer to get there than to unpack. In the boot in which it came it is whole whatever the disk has. If the
/// host goes down before, only the box's manifest can tell. A mark in the box says that this is not known
/// yet.
namespace envtool::lxc {

/// Marks a box that is about to be put into its place.
void mark_unsettled(const std::filesystem::path& box);

/// Whether the box is as it was published; false when the host went down before the disk had all of it. Takes
/// the mark away as soon as that is certain. Fast, but for the first time after the host went down.
bool is_whole(const std::filesystem::path& box);

}  // namespace envtool::lxc
