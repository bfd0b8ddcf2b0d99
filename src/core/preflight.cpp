#include "core/preflight.h"

#include <fmt/format.h>

#include <algorithm>

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// Keys whose feature the provider may lack, with whether this machine uses them.
struct Use {
  Feature feature;
  bool used;
  SourcePosition position;
};

std::vector<Use> uses_of(const MachineConfig& machine) {
  std::vector<Use> uses{
      {Feature::cpus, machine.cpus.has_value(), machine.position_of("cpus")},
      {Feature::memory, machine.memory.has_value(), machine.position_of("memory")},
      {Feature::disk, machine.disk.has_value(), machine.position_of("disk")},
      {Feature::disks, !machine.disks.empty(), machine.position_of("disks")},
      {Feature::networks, !machine.networks.empty(), machine.position_of("networks")},
      {Feature::cloud_init, !machine.cloud_init.is_null(), machine.position_of("cloud_init")},
      {Feature::proxy, !machine.proxy.is_null() && machine.proxy.as_text() != "none",
       machine.position_of("proxy")},
      {Feature::ca_certs, !machine.ca_certs.empty(), machine.position_of("ca_certs")},
      {Feature::password, !machine.ssh.password.is_null(), machine.position_of("ssh")}};
  for (const NetworkConfig& network : machine.networks) {
    uses.push_back({Feature::host_bridges, !network.bridge.empty(), network.position});
    uses.push_back({Feature::mac, !network.mac.empty(), network.position});
  }
  return uses;
}

void check_disks(const MachineConfig& machine, const ProviderInfo& provider, std::vector<Diagnostic>& found) {
  for (const DiskConfig& disk : machine.disks) {
    if (disk.mount.empty() && !provider.features.contains(Feature::bare_disks))
      found.push_back({fmt::format("disk '{}' has no 'mount', and provider '{}' has no disks without one",
                                   disk.name, provider.name),
                       disk.position, "say where in the guest it is to be, as 'mount: /srv/data'"});
    if (disk.keep && !provider.capabilities.contains(Capability::kept_disks))
      found.push_back(
          {fmt::format("'keep' of disk '{}' is not supported by provider '{}'", disk.name, provider.name),
           disk.position,
           {}});
  }
}

bool is_native(const FolderConfig& folder, const ProviderInfo& provider) {
  return folder.type != FolderType::rsync && provider.capabilities.contains(Capability::native_folders);
}

std::string folder_problem(const FolderConfig& folder, const ProviderInfo& provider) {
  const bool has_native = provider.capabilities.contains(Capability::native_folders);
  if (folder.type == FolderType::virtiofs || folder.type == FolderType::ninep ||
      folder.type == FolderType::sftp || (folder.type == FolderType::bind && !has_native))
    return fmt::format("folder type '{}' is not supported by provider '{}'", to_string(folder.type),
                       provider.name);
  if (folder.watch) return fmt::format("'watch' is not supported by provider '{}'", provider.name);
  if (!is_native(folder, provider)) return {};
  for (const std::string& excluded : folder.exclude)
    if (excluded.find_first_of("*?[") != std::string::npos)
      return fmt::format(
          "exclude '{}' is a pattern; a folder that is not copied can leave out directories only", excluded);
  return {};
}

void check_folders(const MachineConfig& machine, const ProviderInfo& provider,
                   std::vector<Diagnostic>& found) {
  for (const FolderConfig& folder : machine.folders) {
    if (const std::string problem = folder_problem(folder, provider); !problem.empty())
      found.push_back({problem, folder.position, {}});
    std::error_code ignored;
    if (!folder.create && !fs::is_directory(folder.host, ignored))
      found.push_back({fmt::format("folder '{}' is not there", folder.host.string()), folder.position,
                       "make it, or add 'create: true'"});
  }
}

void check_provisioners(ProjectRun& run, const std::vector<ProvisionConfig>& items,
                        std::vector<Diagnostic>& found) {
  for (const ProvisionConfig& item : items)
    for (Diagnostic& problem : run.services.provisioners.find(item.kind)->check(item, run.host))
      found.push_back(std::move(problem));
}

void check_box(ProjectRun& run, const MachineConfig& machine, const ProviderInfo& provider,
               std::vector<Diagnostic>& found) {
  if (!machine.box) {
    found.push_back({fmt::format("machine '{}' has no box", machine.name), machine.position,
                     "add for example 'box: build:debian/bookworm'"});
    return;
  }
  try {
    const BoxRequest request = box_request(run, machine, provider);
    run.services.boxes.check(request);
    const std::string address = lock_address(*machine.box);
    if (request.locked && request.pins.empty() && !address.empty())
      found.push_back({fmt::format("box '{}' is not locked", address), machine.box->position,
                       "'envtool up' without --locked locks it"});
  } catch (const Error& error) {
    found.insert(found.end(), error.diagnostics().begin(), error.diagnostics().end());
  }
}

/// The same line of the Envfile may stand for many machines; it is reported once.
void drop_repetitions(std::vector<Diagnostic>& found) {
  std::vector<Diagnostic> kept;
  for (Diagnostic& problem : found) {
    const auto same = [&](const Diagnostic& other) {
      return other.text == problem.text && other.position.to_string() == problem.position.to_string();
    };
    if (std::none_of(kept.begin(), kept.end(), same)) kept.push_back(std::move(problem));
  }
  found = std::move(kept);
}

}  // namespace

std::vector<Diagnostic> unsupported_keys(const MachineConfig& machine, const ProviderInfo& provider) {
  std::vector<Diagnostic> found;
  for (const Use& use : uses_of(machine))
    if (use.used && !provider.features.contains(use.feature))
      found.push_back(
          {fmt::format("'{}' is not supported by provider '{}'", to_string(use.feature), provider.name),
           use.position,
           {}});
  if (provider.features.contains(Feature::disks)) check_disks(machine, provider, found);
  return found;
}

void preflight(ProjectRun& run, const std::vector<const MachineConfig*>& machines,
               const std::string& wanted_provider, Operation& operation) {
  std::vector<Diagnostic> unsupported, wrong;
  for (const MachineConfig* machine : machines) {
    const auto record = run.environment ? MachineStore(*run.environment, machine->name).load() : std::nullopt;
    const std::string name = record && !record->provider.empty()
                                 ? record->provider
                                 : run.choose_provider(*machine, wanted_provider, operation);
    const ProviderInfo* const info = run.services.providers.info(name);
    if (info == nullptr) continue;  // left out of this build: said when the provider is made
    const MachineConfig wanted = effective_for(*machine, name);
    for (Diagnostic& problem : unsupported_keys(wanted, *info)) unsupported.push_back(std::move(problem));
    check_folders(wanted, *info, wrong);
    check_provisioners(run, wanted.provision, wrong);
    if (!record || record->only_disks) check_box(run, wanted, *info, wrong);
  }
  check_provisioners(run, run.project.provision_all, wrong);
  const ErrorKind kind = wrong.empty() ? ErrorKind::unsupported : ErrorKind::bad_envfile;
  unsupported.insert(unsupported.end(), wrong.begin(), wrong.end());
  drop_repetitions(unsupported);
  if (!unsupported.empty()) throw Error(kind, std::move(unsupported));
}

}  // namespace envtool
