#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
#include "core/capabilities.h"
#include "core/changes.h"
#include "core/engine_parts.h"

namespace envtool {

namespace {

bool matches(const std::string& pattern, const MachineConfig& machine) {
  return pattern == machine.name || pattern == machine.block || glob_matches(pattern, machine.name);
}

}  // namespace

std::vector<std::string> Engine::select(const std::vector<std::string>& patterns, bool existing) const {
  std::vector<const MachineConfig*> known;
  for (const MachineConfig& machine : parts_->config.machines) known.push_back(&machine);
  for (const MachineConfig& orphan : parts_->orphans) known.push_back(&orphan);
  std::vector<std::string> selected, names;
  for (const MachineConfig* machine : known) {
    const bool wanted =
        patterns.empty() ? existing || (machine->autostart && parts_->config.find(machine->name)) : false;
    if (wanted) selected.push_back(machine->name);
    names.push_back(machine->name);
    if (machine->block != machine->name) names.push_back(machine->block);
  }
  for (const std::string& pattern : patterns) {
    bool found = false;
    for (const MachineConfig* machine : known) {
      if (!matches(pattern, *machine)) continue;
      found = true;
      if (std::find(selected.begin(), selected.end(), machine->name) == selected.end())
        selected.push_back(machine->name);
    }
    if (found) continue;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    const std::string guess = did_you_mean(pattern, names);
    throw Error(ErrorKind::usage,
                fmt::format("no machine '{}' in project '{}'", pattern, parts_->config.name))
        .with_hint(guess.empty() ? fmt::format("there are: {}", join(names, ", ")) : guess);
  }
  return selected;
}

std::string Engine::select_one(const std::string& pattern) const {
  const std::vector<std::string> candidates =
      select(pattern.empty() ? std::vector<std::string>{} : std::vector{pattern}, true);
  if (candidates.size() == 1) return candidates.front();
  if (pattern.empty())
    for (const MachineConfig& machine : parts_->config.machines)
      if (machine.primary) return machine.name;
  throw Error(ErrorKind::usage, pattern.empty() ? "which machine? the project has several"
                                                : fmt::format("'{}' means several machines", pattern))
      .with_hint(fmt::format("name one of: {}", join(candidates, ", ")));
}

std::vector<MachineStatus> Engine::status(const std::vector<std::string>& machines) {
  std::vector<MachineStatus> statuses;
  for (const std::string& name : machines) {
    const MachineConfig& machine = *parts_->machine(name);
    Operation operation{parts_->setup.host, name, parts_->setup.stop};
    MachineStatus status;
    status.name = name;
    status.primary = machine.primary;
    status.in_envfile = parts_->config.find(name) != nullptr;
    try {
      if (parts_->run.environment) {
        const MachineStore store(*parts_->run.environment, name);
        status.record = store.load();
        if (FileLock::is_held(store.lock())) status.busy = FileLock::holder_of(store.lock());
        status.forwards = parts_->run.forwarders.active(store.directory());
      }
      if (status.record) {
        status.provider = status.record->provider;
        status.backend_name = status.record->backend_name;
        Provider& provider = parts_->run.provider(status.provider);
        const MachineState state = provider.inspect(status.backend_name, operation);
        status.phase = state.phase;
        status.detail = state.detail;
        status.addresses = state.addresses;
        status.networks = state.networks;
        status.kept_disks = kept_disks_of(provider, status.backend_name, operation);
        if (status.in_envfile) status.pending = pending_changes(machine, *status.record, provider.info());
      }
    } catch (const Error& error) {
      status.phase = MachinePhase::broken;
      status.detail = error.what();
    }
    if (!status.in_envfile && status.detail.empty() && parts_->setup.config != nullptr)
      status.detail = "not in Envfile";
    statuses.push_back(std::move(status));
  }
  return statuses;
}

namespace {

/// The name of a machine for ssh, different from those of a second checkout of the project.
std::string ssh_alias(const std::string& machine, const Environment& environment,
                      const std::vector<Environment>& all) {
  const bool has_twin = std::any_of(all.begin(), all.end(), [&](const Environment& other) {
    return other.name == environment.name && other.id != environment.id;
  });
  const std::string digits = has_twin ? "-" + environment.id.substr(0, 4) : "";
  return fmt::format("{}.{}{}", machine, environment.name, digits);
}

}  // namespace

MachineRecord Engine::Parts::running_record(const std::string& name, Operation& operation) {
  const auto record = run.environment ? MachineStore(*run.environment, name).load() : std::nullopt;
  if (!record || record->created.empty())
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is not created", name))
        .with_hint(fmt::format("'envtool up {}' makes it", name));
  const MachineState state = run.provider(record->provider).inspect(record->backend_name, operation);
  if (state.phase == MachinePhase::paused)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is paused", name))
        .with_hint(fmt::format("'envtool resume {}' lets it go on", name));
  if (state.phase != MachinePhase::running)
    throw Error(ErrorKind::failed, fmt::format("machine '{}' is {}", name, to_string(state.phase)))
        .with_hint(fmt::format("'envtool up {}' starts it", name));
  return *record;
}

SshTarget Engine::ssh_target(const std::string& name) {
  Operation operation{parts_->setup.host, name, parts_->setup.stop};
  const MachineRecord record = parts_->running_record(name, operation);
  const MachineConfig machine = effective_for(*parts_->machine(name), record.provider);
  return {.machine = name,
          .endpoint = parts_->run.endpoint_of(record, operation),
          .forward_agent = machine.ssh.forward_agent,
          .folders = machine.folders,
          .config_alias = ssh_alias(name, *parts_->run.environment, parts_->setup.environments.all())};
}

std::unique_ptr<Communicator> Engine::connect(const std::string& name) {
  Operation operation{parts_->setup.host, name, parts_->setup.stop};
  const MachineRecord record = parts_->running_record(name, operation);
  return parts_->setup.services.communicators.connect(
      parts_->run.endpoint_of(record, operation), std::chrono::seconds(15), [] {}, operation);
}

std::string Engine::inventory() { return parts_->run.inventory(parts_->project_operation); }

std::string Engine::console_tail(const std::string& name, std::size_t lines) {
  Operation operation{parts_->setup.host, name, parts_->setup.stop};
  const auto record =
      parts_->run.environment ? MachineStore(*parts_->run.environment, name).load() : std::nullopt;
  if (!record) return {};
  return require<ConsoleLog>(parts_->run.provider(record->provider), parts_->setup.services.providers)
      .console_tail(record->backend_name, lines, operation);
}

}  // namespace envtool
