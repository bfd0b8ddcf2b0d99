#include "core/folder_ways.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/hash.h"
#include "base/text.h"

namespace envtool {

namespace {

constexpr auto device_types = {FolderType::virtiofs, FolderType::ninep};

bool is_device_type(FolderType type) { return std::ranges::find(device_types, type) != device_types.end(); }

std::int64_t owner_of(const std::filesystem::path& directory) {
  struct stat facts {};
  return ::stat(directory.c_str(), &facts) == 0 ? facts.st_uid : ::geteuid();
}

NativeFolder device_of(const FolderScene& scene, const FolderConfig& folder, FolderType type) {
  // A login name that the box decides on is not known before there is a machine.
  const std::string& user = scene.record.ssh_user.empty() ? "vagrant" : scene.record.ssh_user;
  NativeFolder device = native_folder(folder, folder.owner.empty() ? user : folder.owner, scene.project);
  device.type = type;
  device.tag = "envtool-" + sha256(folder.guest).substr(0, 8);
  return device;
}

FolderWay choose_device(const FolderScene& scene, const FolderConfig& folder, FolderDevices& devices) {
  FolderQuestion question{.wanted = folder.type, .exclude = folder.exclude, .owner = {}};
  question.host_owner = owner_of(folder.host);
  const Value options = provider_options(scene.config, scene.provider.info().name);
  const GuestFacts guest = guest_facts_from(scene.record.created_with["guest"]);
  FolderChoice choice;
  for (const FolderType type : device_types) {
    if (folder.type != FolderType::automatic && folder.type != type) continue;
    const NativeFolder device = device_of(scene, folder, type);
    question.owner = device.owner;
    question.obstacles[type] = devices.folder_obstacle(options, device, scene.operation);
    choice = choose_folder(question, guest);
    if (choice.type == type) break;  // what worse ones lack may take long to ask
  }
  if (folder.type != FolderType::automatic && choice.type != folder.type)
    throw Error(ErrorKind::unsupported, fmt::format("folder '{}' cannot be shared by {}: {}", folder.guest,
                                                    to_string(folder.type), choice.why))
        .at(folder.position)
        .with_hint("leave 'type' out: the first way that works is taken");
  FolderWay way{.folder = &folder, .type = choice.type, .why = choice.why};
  way.provider_can =
      std::ranges::any_of(question.obstacles, [](const auto& each) { return each.second.empty(); });
  if (way.is_device()) way.device = device_of(scene, folder, way.type);
  return way;
}

FolderType simple_type(const FolderConfig& folder, Provider& provider) {
  if (folder.type == FolderType::rsync || folder.type == FolderType::sftp) return folder.type;
  return power_of<NativeFolders>(provider) != nullptr ? FolderType::bind : FolderType::rsync;
}

}  // namespace

FolderScene folder_scene(MachineContext& machine) {
  return {machine.config, machine.record, machine.run.project.directory, machine.provider, machine.operation};
}

bool may_have_devices(const FolderScene& scene) {
  if (power_of<FolderDevices>(scene.provider) == nullptr) return false;
  return std::ranges::any_of(scene.config.folders, [](const FolderConfig& folder) {
    return folder.type == FolderType::automatic || is_device_type(folder.type);
  });
}

std::vector<FolderWay> ways_at_start(const FolderScene& scene) {
  FolderDevices* const devices = power_of<FolderDevices>(scene.provider);
  std::vector<FolderWay> ways;
  for (const FolderConfig& folder : scene.config.folders) {
    const bool is_choice = folder.type == FolderType::automatic || is_device_type(folder.type);
    if (devices != nullptr && is_choice)
      ways.push_back(choose_device(scene, folder, *devices));
    else
      ways.push_back({.folder = &folder, .type = simple_type(folder, scene.provider)});
  }
  return ways;
}

std::vector<FolderWay> ways_now(const FolderScene& scene) {
  std::vector<FolderWay> ways = ways_at_start(scene);
  if (!may_have_devices(scene)) return ways;
  const auto running =
      power_of<FolderDevices>(scene.provider)->folder_devices(scene.record.backend_name, scene.operation);
  for (FolderWay& way : ways) {
    const FolderDevices::Device device{way.device.tag, way.type, way.device.host, way.device.read_only};
    if (!way.is_device() || std::ranges::find(running, device) != running.end()) continue;
    way.why =
        fmt::format("the machine gets {} for it at its next start ('envtool reload')", to_string(way.type));
    if (way.folder->type == FolderType::automatic)
      way.type = FolderType::rsync;
    else
      way.waits = true;
  }
  return ways;
}

std::vector<Diagnostic> folder_obstacles(const FolderScene& scene) {
  std::vector<Diagnostic> found;
  FolderDevices* const devices = power_of<FolderDevices>(scene.provider);
  if (devices == nullptr) return found;
  const Value options = provider_options(scene.config, scene.provider.info().name);
  for (const FolderConfig& folder : scene.config.folders) {
    if (!is_device_type(folder.type)) continue;
    const std::string obstacle =
        devices->folder_obstacle(options, device_of(scene, folder, folder.type), scene.operation);
    if (!obstacle.empty())
      found.push_back({fmt::format("folder '{}' cannot be shared by {}: {}", folder.guest,
                                   to_string(folder.type), obstacle),
                       folder.position, "leave 'type' out: the first way that works is taken"});
  }
  return found;
}

std::vector<FolderConfig> copied_folders(const FolderScene& scene) {
  std::vector<FolderConfig> folders;
  for (const FolderWay& way : ways_now(scene))
    if (way.is_copied()) folders.push_back(*way.folder);
  return folders;
}

std::string as_in_fstab(const std::string& place) {
  return replace_all(replace_all(replace_all(place, "\\", "\\134"), " ", "\\040"), "\t", "\\011");
}

}  // namespace envtool
