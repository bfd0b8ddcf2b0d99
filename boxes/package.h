#pragma once

#include "core/box.h"

namespace envtool {

/// Writes the box as a tar: `metadata.json`, a `Vagrantfile` where there is something to say in it,
/// `info.json`, what is in `include`, and `lxc-config` with `rootfs.tar.gz`; or, packed as a whole, `box.img`
/// and the other disks. As Services::write_box promises. Reports progress in bytes of the root file system or
/// the images. Sources: Vagrant's documentation of the box format, vagrant-lxc's BOXES.md, vagrant-libvirt's
/// documentation of boxes.
void write_package(const NewBox& box, Operation& operation);

}  // namespace envtool
