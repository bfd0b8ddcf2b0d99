#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/provider.h"

namespace envtool {

/// For a provider that gives its machines folders of the host's as devices, which the core mounts in the
/// guest by SSH: it also derives from this, and honours `MachineSpec::folders` at each start.
class FolderDevices {
 public:
  static constexpr Capability capability = Capability::folder_devices;
  /// A device that a machine runs with.
  struct Device {
    std::string tag;  ///< NativeFolder::tag
    FolderType type = FolderType::virtiofs;
    std::filesystem::path host;
    bool read_only = false;
    bool operator==(const Device&) const = default;
  };
  virtual ~FolderDevices() = default;
  /// Why a machine with these options cannot have the folder by a device of the type of that NativeFolder, as
  /// words that go on a sentence: "virtiofsd is not installed"; empty when it can.
  virtual std::string folder_obstacle(const Value& options, const NativeFolder& folder,
                                      Operation& operation) = 0;
  /// Those of the core's; none of a machine that does not run.
  virtual std::vector<Device> folder_devices(const std::string& backend_name, Operation& operation) = 0;
};

}  // namespace envtool
