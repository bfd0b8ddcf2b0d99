#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/box.h"

namespace envtool::libvirt {

/// What the first bytes of a disk image say.
struct ImageFacts {
  std::string format;          ///< "qcow2" or "raw"
  std::uint64_t capacity = 0;  ///< bytes the guest sees; 0 for raw, where it is the file's size
};
/// Throws Error(failed) for a qcow2 image that points at other files of the host: a box is somebody else's,
/// and QEMU would open what it names. Source: QEMU's docs/interop/qcow2.txt.
ImageFacts image_facts(std::string_view head);

/// A box's disk.
struct BoxImage {
  std::filesystem::path path;
  std::string format;
  std::uint64_t capacity = 0;
  std::uint64_t size = 0;  ///< of the file
};
/// The box's disks in order, at least one: those that `disks` in its metadata names, else `box.img`. Throws
/// Error(failed) for one that is not there or refers to another file, Error(unsupported) for too many.
std::vector<BoxImage> box_images(const Box& box);

}  // namespace envtool::libvirt
