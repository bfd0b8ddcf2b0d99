#pragma once

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/copies.h"

/// Snapshots inside of a machine's own disks; those of a running machine with its memory, which lies beside
/// them where QEMU cannot put it there. Where memory cannot be saved at all, copies of the disks.
namespace envtool::libvirt {

/// `left_out`: the targets ("vdb") of disks that are no part of it.
std::string snapshot_xml(const std::string& name, const std::vector<std::string>& left_out = {});
/// Out of libvirt's description of one: its name, and its time as UTC.
SnapshotInfo snapshot_info(std::string_view xml);

/// Whether QEMU puts the memory of such a domain, given by its XML, into a disk: not beside firmware in flash
/// memory.
bool has_room_for_memory(std::string_view domain_xml);

/// As libvirt has them, with the machine as it was.
std::vector<std::string> descriptions_of_snapshots(const Domain& domain);
/// Oldest first.
std::vector<SnapshotInfo> snapshots_of(const SnapshotOwner& machine);
/// Of a running machine with its memory, unless it has a disk that is kept, as memory knows what was on all
/// disks, or QEMU could not read its memory back: then without, which it says with the reason.
void save_snapshot(const SnapshotOwner& machine, const std::string& snapshot, Operation& operation);
/// Throws Error(failed) when it could not be restored to the end, as what it needs is gone, when it would
/// take away what was written to a disk that is kept since, or when its memory is that of a machine with
/// another CPU, firmware or type than this is defined with. Changes nothing.
void check_snapshot(const SnapshotOwner& machine, const std::string& snapshot);
/// The machine is stopped afterwards; one that was saved with its memory goes on from there at its next
/// start.
void restore_snapshot(const SnapshotOwner& machine, const std::string& snapshot, Operation& operation);
void delete_snapshot(const SnapshotOwner& machine, const std::string& snapshot);

}  // namespace envtool::libvirt
