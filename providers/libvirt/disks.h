#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/model.h"
#include "providers/libvirt/names.h"
#include "providers/libvirt/storage.h"

/// A machine's disks beside those of its box: a volume each, and an empty one beside it that says that it
/// outlives the machine.
namespace envtool::libvirt {

/// By which the guest knows a disk, wherever it is attached: QEMU takes 20 characters.
std::string disk_serial(const std::string& disk);

/// Makes those that are not there, and lets the others grow.
void bring_disks(const Storage& storage, const MachineNames& names, const std::vector<DiskConfig>& disks);

/// Their names, whether the machine is there or not.
std::vector<std::string> kept_disks(const Storage& storage, const MachineNames& names);
/// From now on these are kept, as far as they are there, and no others.
void keep_disks(const Storage& storage, const MachineNames& names, const std::set<std::string>& disks);

/// Removes all volumes of the machine but its kept disks.
void remove_volumes(const Storage& storage, const MachineNames& names);

}  // namespace envtool::libvirt
