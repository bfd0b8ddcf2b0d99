#pragma once

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

/// Snapshots inside of a machine's own disks; those of a running machine with its memory, which lies beside
/// them where QEMU cannot put it there.
namespace envtool::libvirt {

/// `left_out`: the targets ("vdb") of disks that are no part of it.
std::string snapshot_xml(const std::string& name, const std::vector<std::string>& left_out = {});
/// The targets of the disks in a domain's XML that lie in these volumes.
std::vector<std::string> targets_of(std::string_view domain_xml, const std::vector<std::string>& volumes);
/// Out of libvirt's description of one: its name, and its time as UTC.
SnapshotInfo snapshot_info(std::string_view xml);

/// Whether QEMU puts the memory of such a domain, given by its XML, into a disk: not beside firmware in flash
/// memory.
bool has_room_for_memory(std::string_view domain_xml);

std::vector<SnapshotInfo> snapshots_of(const Domain& domain);
/// A machine whose snapshots these are.
struct SnapshotOwner {
  const Connection& connection;
  const Domain& domain;
  MachineNames names;
};
/// `kept` are volumes that are no part of it. A running machine is refused with one, as memory knows what was
/// on all disks, and when its number of CPUs was changed, as QEMU could not read its memory back.
void save_snapshot(const SnapshotOwner& machine, const std::string& snapshot,
                   const std::vector<std::string>& kept);
/// Throws Error(failed) when it could not be restored to the end, as what it needs is gone, when it would
/// take away what was written to a disk that is `kept` since, or when its memory is that of a machine with
/// another CPU, firmware or type than this is defined with. Changes nothing.
void check_snapshot(const SnapshotOwner& machine, const std::string& snapshot,
                    const std::vector<std::string>& kept);
/// The machine is stopped afterwards; one that was saved while it ran goes on from there at its next start.
void restore_snapshot(const SnapshotOwner& machine, const std::string& snapshot);
void delete_snapshot(const SnapshotOwner& machine, const std::string& snapshot);

}  // namespace envtool::libvirt
