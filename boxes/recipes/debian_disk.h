#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "boxes/recipes/debian.h"

namespace envtool {

/// Raised when what is on the disk changes, so that boxes of the old one are made anew.
inline constexpr int debian_disk_version = 3;

/// Of the guest's disk; a machine's may be larger, and its file system grows with it.
inline constexpr std::uint64_t debian_disk_size = 10ull << 30;

/// What a Debian needs to boot by itself, comma-separated.
std::string_view disk_packages();
/// The shell script that runs before those packages are unpacked; `$1` is the root directory.
std::string disk_essential_script();
/// The shell script that makes the file system bootable and then writes it, as ext4, into the partition of
/// the disk image that is open there.
std::string disk_script(int image_fd);

/// The first 512 bytes of the disk: the boot code and one bootable partition from 1 MiB to the end.
std::string boot_record(std::string_view boot_code, std::uint64_t disk_size);

/// Makes the box of a virtual machine in an existing directory: `box.img`, a compressed qcow2 image that
/// boots from BIOS, and `metadata.json`. About a minute. Throws Error(host_not_ready) when a program is
/// missing, Error(unsupported) on a host that is no PC.
void build_debian_disk_box(const DebianBuild& build, const std::filesystem::path& directory,
                           const std::filesystem::path& log, Operation& operation);

}  // namespace envtool
