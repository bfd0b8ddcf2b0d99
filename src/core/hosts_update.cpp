#include "core/hosts_update.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "core/engine_parts.h"

namespace envtool {

namespace {

/// The project's networks that the machine is in: now if it runs, else from its next start.
std::vector<std::string> joined_networks(ProjectRun& run, const MachineConfig& machine,
                                         const MachineRecord& record, Operation& operation) {
  std::vector<std::string> names;
  if (!record.created.empty()) {
    const MachineState now = run.provider(record.provider).inspect(record.backend_name, operation);
    for (const NetworkPlace& place : now.networks) names.push_back(place.name);
    if (now.phase == MachinePhase::running) return names;
    names.clear();
  }
  for (const NetworkConfig& network : machine.networks) names.push_back(network.name);
  return names;
}

bool is_v6(const std::string& address) { return address.find(':') != std::string::npos; }

void add_name(std::vector<HostsEntry>& entries, const std::string& address, const std::string& name) {
  for (HostsEntry& entry : entries)
    if (entry.address == address) return entry.names.push_back(name);
  entries.push_back({address, {name}});
}

/// Lines for one of the others. Of each family one address has the plain names: resolvers put several in an
/// order of their own.
std::vector<HostsEntry> entries_of(const MachineConfig& other, const MachineState& state,
                                   const std::vector<std::string>& joined) {
  std::vector<HostsEntry> shared;
  for (const std::string& name : joined)
    for (const NetworkPlace& place : state.networks)
      if (place.name == name)
        for (const std::string& address : place.addresses) shared.push_back({address, {name}});
  std::vector<HostsEntry> entries;
  const auto add_names = [&](const std::string& address) {
    add_name(entries, address, other.name);
    if (!other.hostname.empty() && other.hostname != other.name) add_name(entries, address, other.hostname);
    for (const std::string& alias : other.aliases) add_name(entries, address, alias);
  };
  for (const bool family : {false, true}) {
    const auto found = std::find_if(shared.begin(), shared.end(),
                                    [&](const HostsEntry& entry) { return is_v6(entry.address) == family; });
    if (found != shared.end())
      add_names(found->address);
    else if (!state.addresses.empty() && is_v6(state.addresses.front()) == family)
      add_names(state.addresses.front());
  }
  for (const HostsEntry& place : shared)
    add_name(entries, place.address, fmt::format("{}.{}", other.name, place.names.front()));
  return entries;
}

}  // namespace

std::vector<HostsEntry> project_hosts(ProjectRun& run, const MachineConfig& machine,
                                      const MachineRecord& record, Operation& operation) {
  std::vector<HostsEntry> entries;
  if (!machine.aliases.empty()) entries.push_back({"127.0.1.1", machine.aliases});
  if (run.project.machines.size() < 2) return entries;
  const std::vector<std::string> joined = joined_networks(run, machine, record, operation);
  for (const MachineConfig& other : run.project.machines) {
    if (other.name == machine.name) continue;
    const auto known = MachineStore(*run.environment, other.name).load();
    if (!known || known->created.empty()) continue;
    const MachineState state = run.provider(known->provider).inspect(known->backend_name, operation);
    for (HostsEntry& entry : entries_of(other, state, joined)) entries.push_back(std::move(entry));
  }
  return entries;
}

std::optional<std::string> missing_hosts_block(ProjectRun& run, const MachineConfig& machine,
                                               const MachineRecord& record, Operation& operation) {
  // A changed host name counts from the next start, and this is for now.
  const std::string& started = record.started_with["hostname"].as_text();
  const std::string& written = machine.hostname.empty() ? machine.name : machine.hostname;
  const std::vector<HostsEntry> entries = project_hosts(run, machine, record, operation);
  const std::string& known = record.started_with["hosts"].as_text();
  if (known.empty() && entries.empty()) return std::nullopt;  // its own name it has from its box
  std::string block = hosts_block(started.empty() ? written : started, entries);
  if (known == block) return std::nullopt;
  return block;
}

void write_hosts_block(Communicator& guest, const std::string& block, Operation& operation) {
  const GuestCommand command{.script = replace_hosts_block_script(), .user = "root", .input = block};
  const ProcessResult result = guest.run(command, operation);
  if (!result.ok())
    throw Error(ErrorKind::failed, fmt::format("machine '{}': cannot write /etc/hosts: {}", operation.machine,
                                               last_lines(result.error, 2)));
}

void Engine::Parts::update_hosts() {
  for (const MachineConfig& machine : config.machines) {
    const MachineStore store(*run.environment, machine.name);
    auto record = store.load();
    if (!record || record->created.empty()) continue;
    Operation operation{setup.host, machine.name, setup.stop};
    const MachineState state = run.provider(record->provider).inspect(record->backend_name, operation);
    if (state.phase != MachinePhase::running) continue;
    const auto block = missing_hosts_block(run, machine, *record, operation);
    if (!block) continue;
    const auto guest = setup.services.communicators.connect(
        run.endpoint_of(*record, operation), std::chrono::seconds(30), [] {}, operation);
    write_hosts_block(*guest, *block, operation);
    record->started_with.set("hosts", *block);
    store.save(*record);
  }
}

}  // namespace envtool
