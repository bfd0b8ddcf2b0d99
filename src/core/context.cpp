#include "core/context.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "core/capabilities.h"
#include "core/hosts_update.h"
#include "core/inventory.h"
#include "core/rootfs.h"
#include "core/take_over.h"
#include "core/user_data.h"

namespace envtool {

ProjectRun::ProjectRun(Host& host_in, const Services& services_in, const ProjectConfig& project_in,
                       std::optional<Environment> environment_in, std::stop_token stop_in)
    : host(host_in),
      services(services_in),
      project(project_in),
      environment(std::move(environment_in)),
      stop(std::move(stop_in)),
      secrets(project_in, host_in),
      ports(host_in),
      forwarders(host_in),
      box_locks(project_in.directory, host_in.paths) {}

Provider& ProjectRun::provider(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::unique_ptr<Provider>& slot = providers_[name];
  if (!slot) slot = services.providers.make(name, host);
  return *slot;
}

void ProjectRun::check_host(const std::string& name, const MachineConfig& machine, Operation& operation) {
  Provider& asked = provider(name);
  const Value options = provider_options(machine, name);
  const std::string question = name + " " + to_json(options);
  const std::lock_guard lock(checks_mutex_);
  const auto known = checks_.find(question);
  if (known == checks_.end()) {
    try {
      asked.check_host(options, operation);
      checks_[question] = std::nullopt;
    } catch (const Error& error) {
      checks_[question] = error;
      throw;
    }
  } else if (known->second) {
    throw Error(*known->second);
  }
}

std::string ProjectRun::choose_provider(const MachineConfig& machine, const std::string& wanted,
                                        Operation& operation) {
  std::vector<std::string> candidates;
  if (const std::string named = wanted.empty() ? host.variable("ENVTOOL_PROVIDER") : wanted; !named.empty())
    candidates = {named};
  else if (!machine.providers.empty())
    candidates = machine.providers;
  else
    for (const ProviderInfo& info : services.providers.infos()) candidates.push_back(info.name);
  std::vector<Error> refusals;
  for (const std::string& name : candidates) {
    try {
      check_host(name, machine, operation);
      return name;
    } catch (const Error& error) {
      refusals.push_back(error);
    }
  }
  if (refusals.size() == 1) throw Error(refusals.front());
  std::vector<Diagnostic> all{{"no provider is usable on this host", {}, {}}};
  for (const Error& error : refusals) all.push_back({error.what(), {}, error.hint()});
  throw Error(ErrorKind::host_not_ready, std::move(all));
}

SshEndpoint ProjectRun::endpoint_of(const MachineRecord& record, Operation& operation) {
  SshEndpoint endpoint = provider(record.provider).endpoint(record.backend_name, operation);
  const MachineStore store(*environment, record.name);
  endpoint.user = record.ssh_user;
  endpoint.private_key = store.private_key();
  endpoint.known_hosts = store.known_hosts();
  endpoint.host_key_alias = record.backend_name;
  if (record.taken_over) endpoint.first_key.clear();
  return endpoint;
}

std::optional<std::string> ProjectRun::machine_fact(const std::string& machine, const std::string& fact,
                                                    Operation& operation) {
  if (!environment) return std::nullopt;
  const auto record = MachineStore(*environment, machine).load();
  if (!record) return std::nullopt;
  if (fact == "id") return record->backend_name;
  if (fact.starts_with("port.")) {
    for (const Forward& forward : record->forwards)
      if (std::to_string(forward.guest) == fact.substr(5)) return std::to_string(forward.host);
    return std::nullopt;
  }
  if (fact != "ip" && !fact.starts_with("ip.")) return std::nullopt;
  const MachineState state = provider(record->provider).inspect(record->backend_name, operation);
  std::vector<std::string> addresses = fact == "ip" ? state.addresses : std::vector<std::string>{};
  for (const NetworkPlace& place : state.networks)
    if (fact == "ip." + place.name) addresses = place.addresses;
  if (addresses.empty()) return std::nullopt;
  return addresses.front();
}

std::optional<std::string> ProjectRun::look_up(const std::string& machine, const std::string& reference,
                                               Operation& operation) {
  if (reference.starts_with("secret.")) return secrets.read(reference.substr(7), stop);
  if (reference.starts_with("machine.") && !machine.empty())
    return machine_fact(machine, reference.substr(8), operation);
  if (!reference.starts_with("machines.")) return std::nullopt;
  const std::string rest = reference.substr(9);
  const size_t dot = rest.find('.');
  if (dot == std::string::npos) return std::nullopt;
  return machine_fact(rest.substr(0, dot), rest.substr(dot + 1), operation);
}

LateLookup ProjectRun::late_for(const std::string& machine, Operation& operation) {
  return [this, machine, &operation](const std::string& reference) {
    return look_up(machine, reference, operation);
  };
}

namespace {

/// Whether a machine's variables hold a secret, which does not go into files that stay.
bool is_secret(const Value& variable) {
  return variable.is_late() && variable.as_text().find("${secret.") != std::string::npos;
}

}  // namespace

bool ProjectRun::has_secret_variables(const std::vector<std::string>& machines) const {
  return std::any_of(machines.begin(), machines.end(), [&](const std::string& name) {
    const MachineConfig* const machine = project.find(name);
    return machine != nullptr && std::any_of(machine->vars.members().begin(), machine->vars.members().end(),
                                             [](const auto& member) { return is_secret(member.second); });
  });
}

std::string ProjectRun::inventory(Operation& operation, const std::vector<std::string>& secrets_for) {
  std::vector<InventoryHost> hosts;
  for (const MachineConfig& machine : project.machines) {
    const auto record = environment ? MachineStore(*environment, machine.name).load() : std::nullopt;
    if (!record || record->created.empty()) continue;
    Provider& backend = provider(record->provider);
    if (backend.inspect(record->backend_name, operation).phase != MachinePhase::running) continue;
    InventoryHost host_entry{&machine, endpoint_of(*record, operation), Value::map()};
    for (const auto& [name, value] : machine.vars.members()) {
      const bool wanted =
          std::find(secrets_for.begin(), secrets_for.end(), machine.name) != secrets_for.end();
      if (is_secret(value) && !wanted) continue;
      host_entry.vars.set(name, expand_late(value, late_for(machine.name, operation)));
    }
    hosts.push_back(std::move(host_entry));
  }
  return inventory_text(project, hosts);
}

std::filesystem::path ProjectRun::write_inventory(Operation& operation) {
  const std::lock_guard lock(inventory_mutex_);
  const std::string text = inventory(operation);
  const std::filesystem::path path = environment->state / "inventory.yml";
  const std::filesystem::path shown = project.directory / ".envtool" / "inventory.yml";
  if (read_file_if_there(path) != text) write_file(path, text, 0600);
  if (read_file_if_there(shown) != text) write_file(shown, text, 0600);
  return path;
}

BoxRequest MachineContext::box_request() const {
  BoxRequest request = envtool::box_request(run, config, provider.info());
  request.rootfs_store = power_of<RootfsStore>(provider);
  return request;
}

namespace {

/// Formats of the other providers that the machine may get, as far as they would make it of the same box.
std::vector<std::string> formats_to_keep(const ProjectRun& run, const MachineConfig& machine) {
  std::vector<std::string> formats;
  const MachineConfig* written = run.project.find(machine.name);
  for (const std::string& name : machine.providers) {
    const ProviderInfo* info = run.services.providers.info(name);
    if (info == nullptr || written == nullptr) continue;
    const std::optional<BoxConfig> box = effective_for(*written, name).box;
    if (box && lock_address(*box) == lock_address(*machine.box))
      formats.insert(formats.end(), info->box_formats.begin(), info->box_formats.end());
  }
  return formats;
}

}  // namespace

BoxRequest box_request(ProjectRun& run, const MachineConfig& machine, const ProviderInfo& provider) {
  return {.box = machine.box.value(),
          .formats = provider.box_formats,
          .sources = run.project.sources,
          .pins = run.box_locks.pins_of(*machine.box),
          .kept_formats = formats_to_keep(run, machine),
          .locked = run.only_locked_boxes};
}

namespace {

bool is_below(const std::filesystem::path& path, const std::filesystem::path& directory) {
  const auto mismatch = std::mismatch(directory.begin(), directory.end(), path.begin(), path.end());
  return mismatch.first == directory.end();
}

}  // namespace

NativeFolder native_folder(const FolderConfig& folder, const std::string& owner,
                           const std::filesystem::path& project) {
  return {.host = folder.host,
          .guest = folder.guest,
          .read_only = folder.read_only,
          .owner = owner,
          .covered = folder.exclude,
          .hides_project_state = is_below(project, folder.host)};
}

namespace {

/// What the machine may not be given in its networks, as the Envfile has it for others.
std::map<std::string, std::vector<std::string>> promised_addresses(const ProjectConfig& project,
                                                                   const MachineConfig& machine,
                                                                   const std::string& provider) {
  std::map<std::string, std::vector<std::string>> promised;
  for (const NetworkConfig& network : machine.networks) promised[network.name];
  if (promised.empty()) return promised;
  for (const MachineConfig& other : project.machines) {
    if (other.name == machine.name) continue;
    for (const NetworkConfig& network : effective_for(other, provider).networks) {
      const auto mine = promised.find(network.name);
      if (mine == promised.end()) continue;
      if (!network.ip.empty()) mine->second.push_back(network.ip);
      if (network.host_number) mine->second.push_back(std::to_string(*network.host_number));
    }
  }
  return promised;
}

}  // namespace

MachineSpec MachineContext::spec() const {
  MachineSpec spec;
  spec.backend_name = record.backend_name;
  spec.environment_id = run.environment->id;
  spec.project = run.project.name;
  spec.name = config.name;
  spec.hostname = config.hostname.empty() ? config.name : config.hostname;
  spec.cpus = config.cpus;
  spec.memory = config.memory;
  spec.disk = config.disk;
  spec.disks = config.disks;
  spec.networks = config.networks;
  spec.promised = promised_addresses(run.project, config, provider.info().name);
  spec.shutdown_timeout = config.timeouts.shutdown;
  spec.options = provider_options(config, provider.info().name);
  spec.identity.user = record.ssh_user;
  if (power_of<NativeFolders>(provider))
    for (const FolderConfig& folder : config.folders)
      if (folder.type == FolderType::automatic || folder.type == FolderType::bind)
        spec.folders.push_back(native_folder(folder, folder.owner.empty() ? record.ssh_user : folder.owner,
                                             run.project.directory));
  spec.hosts = project_hosts(run, config, record, operation);
  return spec;
}

Communicator& MachineContext::guest() {
  if (session) return *session;
  const auto still_alive = [this] {
    const MachineState now = provider.inspect(record.backend_name, operation);
    if (now.phase == MachinePhase::running) return;
    Error error(ErrorKind::failed,
                fmt::format("the machine is {} while it was to boot{}{}", to_string(now.phase),
                            now.detail.empty() ? "" : ": ", now.detail));
    if (config.memory && now.phase != MachinePhase::broken)
      error.with_hint(fmt::format("its 'memory' is {}, which may be too little", config.memory->to_string()));
    throw error;
  };
  try {
    still_alive();
    const SshEndpoint endpoint = run.endpoint_of(record, operation);
    session = run.services.communicators.connect(endpoint, config.timeouts.boot, still_alive, operation);
    if (!endpoint.first_key.empty()) take_over(*this);
  } catch (Error& error) {
    ConsoleLog* const console = power_of<ConsoleLog>(provider);
    const std::string tail = console ? console->console_tail(record.backend_name, 10, operation) : "";
    if (tail.empty()) throw;
    throw Error(error.kind(),
                fmt::format("{}\n  the last lines of its console:\n{}", error.what(), indent(tail, 4)))
        .with_hint(error.hint());
  }
  return *session;
}

std::vector<std::string> kept_disks_of(Provider& provider, const std::string& backend_name,
                                       Operation& operation) {
  KeptDisks* const disks = power_of<KeptDisks>(provider);
  return disks ? disks->kept_disks(backend_name, operation) : std::vector<std::string>();
}

std::string disks_in_words(const std::vector<std::string>& disks) {
  return fmt::format("{} '{}'", disks.size() == 1 ? "disk" : "disks", join(disks, "', '"));
}

void make_missing_folders(const MachineConfig& machine) {
  for (const FolderConfig& folder : machine.folders)
    if (folder.create) make_directories(folder.host);
}

}  // namespace envtool
