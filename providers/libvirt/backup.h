#pragma once

#include <string>
#include <vector>

#include "core/operation.h"
#include "providers/libvirt/connection.h"

/// The disks of a machine that runs, as they are at one moment, while it runs on.
namespace envtool::libvirt {

struct DiskCopy {
  std::string target;  ///< "vda"
  std::string path;    ///< of an empty qcow2 volume of the same capacity
};
/// The XML of such a job. Source of the format: libvirt.org/formatbackup.html.
std::string backup_xml(const std::vector<DiskCopy>& disks);

/// Fills the volumes. Where the guest has an agent, its file systems are whole at that moment; else they are
/// as after a power failure. Throws Error(failed), and Interrupted after it has ended the job.
void copy_disks(const Domain& domain, const std::vector<DiskCopy>& disks, Operation& operation);
/// Ends such a job of somebody who was killed. None there: nothing to do.
void end_copying(const Domain& domain);

}  // namespace envtool::libvirt
