#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/volumes.h"

/// Snapshots of a machine that runs, without its memory: copies of its disks, which libvirt knows as volumes
/// only.
namespace envtool::libvirt {

/// A machine that has snapshots.
struct SnapshotOwner {
  const Connection& connection;
  const Domain& domain;
  MachineNames names;
  std::set<std::string> kept = {};  ///< volumes that are no part of any
};

/// `connection` and `domain` outlive it.
SnapshotOwner snapshot_owner(const Connection& connection, const Domain& domain, const MachineNames& names);

struct CopiedDisks {
  std::string snapshot;
  Moment moment = 0;
  std::string mark;  ///< a volume, without which the others are no copy
  std::vector<std::string> volumes = {};
};
/// Those that are complete, oldest first, out of the names of a machine's volumes.
std::vector<CopiedDisks> copies_among(const std::vector<std::string>& volumes, const MachineNames& names);

std::vector<SnapshotInfo> copies_of(const Storage& storage, const MachineNames& names);
/// Null without one of that name.
std::optional<CopiedDisks> find_copy(const Storage& storage, const MachineNames& names,
                                     const std::string& snapshot);

/// Throws Error(failed) and leaves nothing then.
void save_copy(const SnapshotOwner& machine, const Storage& storage, const std::string& snapshot,
               Operation& operation);
/// What stands against restoring it, each a clause with the object; empty when nothing does.
std::vector<std::string> why_not_restorable(const CopiedDisks& copy, const std::vector<OwnDisk>& disks,
                                            const std::set<std::string>& kept);
/// Of the stopped machine, at once: what it writes from then on lies over the copies.
void restore_copy(const SnapshotOwner& machine, const Storage& storage, const CopiedDisks& copy,
                  Operation& operation);

/// Removes volumes of the machine's disks that neither it nor a snapshot needs any more, as far as it has
/// another one of that disk.
void remove_unused(const SnapshotOwner& machine, const Storage& storage);

}  // namespace envtool::libvirt
