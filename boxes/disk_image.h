#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "core/box.h"

namespace envtool {

/// How many bytes of a file tell what it is.
inline constexpr std::size_t image_head = 1024;

/// "qcow2", "vmdk" or "raw" by the first bytes; the last only with a boot sector's signature. Empty: none of
/// them. Source: QEMU's docs/interop/qcow2.txt; UEFI 5.2.
std::string_view image_format(std::string_view head);

/// The disk image of that name in the directory. Throws Error(failed) when it is missing or no image, and
/// when it refers to another file: a qcow2 with a backing or data file, or a vmdk with an extent that is not
/// in the directory, would show a guest what is the host's.
BoxDisk read_disk_image(const std::filesystem::path& directory, const std::string& file);

}  // namespace envtool
