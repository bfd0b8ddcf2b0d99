#pragma once

#include "core/box.h"

namespace envtool {

/// Writes the box as a tar: `metadata.json`, `lxc-config`, a `Vagrantfile` where there is something to say in
/// it, `info.json`, what is in `include`, and `rootfs.tar.gz`. As Services::write_box promises. Reports
/// progress in bytes of the root file system. Sources: Vagrant's documentation of the box format,
/// vagrant-lxc's BOXES.md.
void write_package(const NewBox& box, Operation& operation);

}  // namespace envtool
