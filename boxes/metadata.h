#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/box.h"

namespace envtool {

/// What an unpacked box says of itself.
struct BoxFacts {
  std::string format;  ///< metadata.json's `provider`
  Value metadata;
  Value info;  ///< info.json; null when there is none
  BoxDefaults defaults;
  std::vector<BoxDisk> disks;
  std::vector<std::string> notes;  ///< what of it has no effect, a sentence each
};

/// Reads `metadata.json`, `info.json` and `Vagrantfile` of an unpacked box. One without the first, but with
/// `box.ovf`, is an old one for VirtualBox. Throws Error(failed) when metadata.json is missing, is not JSON
/// or names no provider.
BoxFacts read_box_facts(const std::filesystem::path& directory);

/// Throws Error(failed) when the box lacks what its format prescribes; finds its disks. "lxc": `version`
/// 1.0.0, 2 or 3 and one root file system. "libvirt": the images of `disks`, else `box.img`. "virtualbox":
/// `box.ovf` and the images it names. Sources: vagrant-lxc's BOXES.md, vagrant-libvirt's box format, DMTF
/// DSP0243.
void check_box_content(const std::filesystem::path& directory, BoxFacts& facts);

/// The metadata of a box that is one disk image, `box.img`, as distributions publish them: `image` says so.
Value disk_metadata(const BoxDisk& disk);

}  // namespace envtool
