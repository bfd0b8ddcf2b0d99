#pragma once

#include <string>
#include <vector>

#include "core/context.h"
#include "core/folder_choice.h"
#include "core/folder_devices.h"

namespace envtool {

/// A machine as far as its folders go.
struct FolderScene {
  const MachineConfig& config;  ///< as its provider is to make it
  const MachineRecord& record;
  const std::filesystem::path& project;
  Provider& provider;
  Operation& operation;
};
FolderScene folder_scene(MachineContext& machine);

/// How a folder of the Envfile's gets into the guest.
struct FolderWay {
  const FolderConfig* folder = nullptr;
  FolderType type = FolderType::rsync;  ///< never automatic; rsync may turn out to be sftp
  std::string why = {};                 ///< not a better one; empty: there is none
  NativeFolder device = {};             ///< of virtiofs and 9p
  /// A device that is wanted, and that the running machine gets by its next start only.
  bool waits = false;
  bool provider_can = false;  ///< give it as a device, as far as it can tell

  bool is_copied() const { return type == FolderType::rsync || type == FolderType::sftp; }
  bool is_device() const { return type == FolderType::virtiofs || type == FolderType::ninep; }
};

/// Those of a start that is to come. Throws Error(unsupported) where the Envfile wants what cannot be.
std::vector<FolderWay> ways_at_start(const FolderScene& scene);
/// Those of the machine as it runs: a device counts only when it has it.
std::vector<FolderWay> ways_now(const FolderScene& scene);
/// Whether the provider can give folders as devices, and the Envfile does not rule that out for all.
bool may_have_devices(const FolderScene& scene);

/// What the provider itself has against devices that the Envfile asks for by their type.
std::vector<Diagnostic> folder_obstacles(const FolderScene& scene);

/// Folders that are copied into the running machine.
std::vector<FolderConfig> copied_folders(const FolderScene& scene);

/// A place as /etc/fstab has it.
std::string as_in_fstab(const std::string& place);

}  // namespace envtool
