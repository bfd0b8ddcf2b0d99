#include "core/preflight.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "base/text.h"
#include "config/diagnostics.h"
#include "core/folder_ways.h"
#include "core/host_resources.h"
#include "core/user_data.h"

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
  return uses;
}

/// What is asked of networks, where there are any.
std::vector<Use> network_uses(const MachineConfig& machine) {
  std::vector<Use> uses;
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
  return folder.type != FolderType::rsync && folder.type != FolderType::sftp &&
         provider.capabilities.contains(Capability::native_folders);
}

std::string folder_problem(const FolderConfig& folder, const ProviderInfo& provider) {
  const bool is_device = folder.type == FolderType::virtiofs || folder.type == FolderType::ninep;
  if ((folder.type == FolderType::bind && !provider.capabilities.contains(Capability::native_folders)) ||
      (is_device && !provider.capabilities.contains(Capability::folder_devices)))
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

/// What was found, by the kind of error it is.
struct Findings {
  std::vector<Diagnostic> wrong, unsupported, host;
};

void append(std::vector<Diagnostic>& to, std::vector<Diagnostic> from) {
  to.insert(to.end(), std::move_iterator(from.begin()), std::move_iterator(from.end()));
}

void check_provisioners(ProjectRun& run, const std::vector<ProvisionConfig>& items, Findings& found) {
  for (const ProvisionConfig& item : items) {
    const Provisioner& provisioner = *run.services.provisioners.find(item.kind);
    append(found.wrong, provisioner.check(item));
    append(found.host, provisioner.check_host(item, run.host));
  }
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

void throw_if_any(Findings found) {
  const ErrorKind kind = !found.wrong.empty()         ? ErrorKind::bad_envfile
                         : !found.unsupported.empty() ? ErrorKind::unsupported
                                                      : ErrorKind::host_not_ready;
  append(found.wrong, std::move(found.unsupported));
  append(found.wrong, std::move(found.host));
  drop_repetitions(found.wrong);
  sort_by_place(found.wrong);
  if (!found.wrong.empty()) throw Error(kind, std::move(found.wrong));
}

/// Said once, however many machines one line stands for.
void warn_of_too_much(const MachineConfig& machine, Operation& operation, std::set<std::string>& said) {
  const HostResources host = host_resources();
  const auto warn = [&](const char* key, const std::string& wanted, const std::string& has) {
    const std::string place = machine.position_of(key).to_string();
    const std::string text = fmt::format("'{}' is {}{}, and this host has {}", key, wanted,
                                         place.empty() ? "" : fmt::format(" ({})", place), has);
    if (said.insert(text).second) operation.say(text, Tone::warning);
  };
  if (machine.cpus.value_or(0) > host.cpus)
    warn("cpus", std::to_string(*machine.cpus), std::to_string(host.cpus));
  if (machine.memory.value_or(ByteSize{}).bytes > host.memory.bytes)
    warn("memory", machine.memory->to_string(), host.memory.to_string());
}

/// What no choice of another provider makes right.
void check_options(const MachineConfig& machine, const ProviderInfo& provider,
                   std::vector<Diagnostic>& found) {
  if (provider.wrong_options) append(found, provider.wrong_options(provider_options(machine, provider.name)));
}

/// Everything but options and provisioners, which are the same with every provider.
Findings findings_with(ProjectRun& run, const MachineConfig& machine, const ProviderInfo& provider,
                       bool is_made) {
  Findings found{.unsupported = unsupported_keys(machine, provider)};
  check_folders(machine, provider, found.wrong);
  if (!is_made) check_box(run, machine, provider, found.wrong);
  if (!is_made && provider.features.contains(Feature::cloud_init))
    append(found.wrong, check_user_data(machine));
  return found;
}

bool has_problem_at(const Findings& found, const SourcePosition& position) {
  const auto is_there = [&](const Diagnostic& problem) {
    return problem.position.to_string() == position.to_string();
  };
  return std::ranges::any_of(found.wrong, is_there) || std::ranges::any_of(found.unsupported, is_there);
}

/// The problems of the first provider at places where all others have one too.
Findings shared_findings(std::vector<Findings> each, const std::vector<std::string>& providers) {
  Findings shared = std::move(each.front());
  const auto is_solved = [&](const Diagnostic& problem) {
    return std::any_of(each.begin() + 1, each.end(),
                       [&](const Findings& other) { return !has_problem_at(other, problem.position); });
  };
  std::erase_if(shared.wrong, is_solved);
  std::erase_if(shared.unsupported, is_solved);
  for (Diagnostic& problem : shared.unsupported)
    if (each.size() > 1 && problem.hint.empty())
      problem.hint = fmt::format("nor by {}", join({providers.begin() + 1, providers.end()}, ", "));
  return shared;
}

void check_machine(ProjectRun& run, const MachineConfig& machine, Findings& found) {
  std::vector<std::string> providers = machine.providers;
  if (providers.empty())
    for (const ProviderInfo& info : run.services.providers.infos()) providers.push_back(info.name);
  std::vector<Findings> each;
  for (const std::string& name : providers) {
    const ProviderInfo& info = *run.services.providers.info(name);
    each.push_back(findings_with(run, effective_for(machine, name), info, false));
    check_options(machine, info, found.wrong);
  }
  if (each.empty()) return;
  Findings shared = shared_findings(std::move(each), providers);
  append(found.wrong, std::move(shared.wrong));
  append(found.unsupported, std::move(shared.unsupported));
}

}  // namespace

std::vector<Diagnostic> unsupported_keys(const MachineConfig& machine, const ProviderInfo& provider) {
  std::vector<Diagnostic> found;
  std::vector<Use> uses = uses_of(machine);
  if (provider.features.contains(Feature::networks))
    std::ranges::copy(network_uses(machine), std::back_inserter(uses));
  for (const Use& use : uses) {
    if (!use.used) continue;
    const bool has_it = provider.features.contains(use.feature);
    const std::string hint = has_it && provider.wanting
                                 ? provider.wanting(use.feature, provider_options(machine, provider.name))
                                 : "";
    if (!has_it || !hint.empty())
      found.push_back(
          {fmt::format("'{}' is not supported by provider '{}'", to_string(use.feature), provider.name),
           use.position, hint});
  }
  if (provider.features.contains(Feature::disks)) check_disks(machine, provider, found);
  return found;
}

void preflight(ProjectRun& run, const std::vector<const MachineConfig*>& machines,
               const std::string& wanted_provider, Operation& operation) {
  Findings found;
  std::set<std::string> said;
  for (const MachineConfig* machine : machines) {
    const auto record = run.environment ? MachineStore(*run.environment, machine->name).load() : std::nullopt;
    const std::string name = record && !record->provider.empty()
                                 ? record->provider
                                 : run.choose_provider(*machine, wanted_provider, operation);
    const ProviderInfo* const info = run.services.providers.info(name);
    if (info == nullptr) continue;  // left out of this build: said when the provider is made
    const MachineConfig wanted = effective_for(*machine, name);
    Findings own = findings_with(run, wanted, *info, record && !record->only_disks);
    append(found.unsupported, std::move(own.unsupported));
    append(found.wrong, std::move(own.wrong));
    check_options(wanted, *info, found.wrong);
    const MachineRecord known = record.value_or(MachineRecord{});
    append(found.unsupported,
           folder_obstacles({wanted, known, run.project.directory, run.provider(name), operation}));
    check_provisioners(run, wanted.provision, found);
    warn_of_too_much(wanted, operation, said);
  }
  check_provisioners(run, run.project.provision_all, found);
  throw_if_any(std::move(found));
}

void check_content(Host& host, const Services& services, const ProjectConfig& project) {
  ProjectRun run(host, services, project, std::nullopt, {});
  Findings found;
  for (const MachineConfig& machine : project.machines) {
    check_machine(run, machine, found);
    check_provisioners(run, machine.provision, found);
  }
  check_provisioners(run, project.provision_all, found);
  found.host.clear();  // what is installed here says nothing about the file
  throw_if_any(std::move(found));
}

}  // namespace envtool
