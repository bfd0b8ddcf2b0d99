#pragma once

#include <string>
#include <vector>

#include "core/operation.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/volumes.h"

/// The disks of a machine that runs, as they are at one moment, while it runs on.
namespace envtool::libvirt {

struct DiskCopy {
  std::string target;  ///< "vda"
  std::string path;    ///< of an empty qcow2 volume of the same capacity
  /// The volume lies over the same as the disk, and gets only what the disk has of its own; else all.
  bool shares_base = true;
};
/// Makes the volume, of that name.
DiskCopy make_target(const Storage& storage, const OwnDisk& disk, const std::string& name);
/// The XML of the volume that is to be filled. Source of the format: virDomainBlockCopy in libvirt's API.
std::string copy_target_xml(const std::string& path);

/// Fills the volumes; the moment is the end. Where the guest has an agent, its file systems are whole at it;
/// else the machine stands still for it, and they are as after a power failure. A paused one stays so. Throws
/// Error(failed), and Interrupted after it has ended the copying.
void copy_disks(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation);
/// Ends such copying of somebody who was killed, and lets a guest write that he had stopped in it. None
/// there: nothing to do.
void end_copying(const Domain& domain);

}  // namespace envtool::libvirt
