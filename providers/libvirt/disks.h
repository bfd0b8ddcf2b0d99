#pragma once

#include <set>
#include <string>
#include <vector>

#include "config/model.h"
#include "providers/libvirt/names.h"
#include "providers/libvirt/storage.h"
#include "providers/libvirt/volumes.h"

/// A machine's disks beside those of its box: a volume each, and an empty one beside it that says that it
/// outlives the machine.
namespace envtool::libvirt {

/// By which the guest knows a disk, wherever it is attached: QEMU takes 20 characters.
std::string disk_serial(const std::string& disk);

/// Makes those that are not there, and lets the others grow, which lie where `volumes` says.
void bring_disks(const Storage& storage, const MachineNames& names, const std::vector<DiskConfig>& disks,
                 const DiskVolumes& volumes);

/// Their names, whether the machine is there or not.
std::vector<std::string> kept_disks(const Storage& storage, const MachineNames& names);
/// The volumes of those among the machine's, by marks that are volumes, too.
std::set<std::string> kept_volumes(const std::vector<std::string>& volumes, const MachineNames& names);
/// From now on these are kept, as far as they are there, and no others.
void keep_disks(const Storage& storage, const MachineNames& names, const std::set<std::string>& disks,
                const DiskVolumes& volumes);

/// Removes all volumes of the machine but its kept disks.
void remove_volumes(const Storage& storage, const MachineNames& names);

}  // namespace envtool::libvirt
