#pragma once

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"

/// Snapshots inside of a machine's own disk; those of a running machine with its memory.
namespace envtool::libvirt {

std::string snapshot_xml(const std::string& name);
/// Out of libvirt's description of one: its name, and its time as UTC.
SnapshotInfo snapshot_info(std::string_view xml);

std::vector<SnapshotInfo> snapshots_of(const Domain& domain);
/// A running machine whose number of CPUs was changed is refused: QEMU could not read its memory back.
void save_snapshot(const Domain& domain, const std::string& snapshot);
/// The machine is stopped afterwards; one that was saved while it ran goes on from there at its next start.
void restore_snapshot(const Domain& domain, const std::string& snapshot);
void delete_snapshot(const Domain& domain, const std::string& snapshot);

}  // namespace envtool::libvirt
