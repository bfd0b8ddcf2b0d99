#pragma once

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"

/// Snapshots inside of a machine's own disk; those of a running machine with its memory.
namespace envtool::libvirt {

/// `left_out`: the targets ("vdb") of disks that are no part of it.
std::string snapshot_xml(const std::string& name, const std::vector<std::string>& left_out = {});
/// The targets of the disks in a domain's XML that lie in these volumes.
std::vector<std::string> targets_of(std::string_view domain_xml, const std::vector<std::string>& volumes);
/// Out of libvirt's description of one: its name, and its time as UTC.
SnapshotInfo snapshot_info(std::string_view xml);

std::vector<SnapshotInfo> snapshots_of(const Domain& domain);
/// `kept` are volumes that are no part of it. A running machine is refused with one, as QEMU saves memory
/// with all disks, and when its number of CPUs was changed, as QEMU could not read its memory back.
void save_snapshot(const Domain& domain, const std::string& snapshot, const std::vector<std::string>& kept);
/// The machine is stopped afterwards; one that was saved while it ran goes on from there at its next start.
void restore_snapshot(const Domain& domain, const std::string& snapshot);
void delete_snapshot(const Domain& domain, const std::string& snapshot);

}  // namespace envtool::libvirt
