#pragma once

#include <string>

namespace envtool {

/// For a provider whose disks are bare devices in the guest, which the core gives file systems and mounts: it
/// also derives from this.
class DiskDevices {
 public:
  virtual ~DiskDevices() = default;
  /// The device of that disk of the Envfile's in the guest, by a name that stays.
  virtual std::string disk_device(const std::string& disk) = 0;
};

}  // namespace envtool
