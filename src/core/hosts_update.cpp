#include "core/hosts_update.h"

#include <fmt/format.h>

#include "base/text.h"
#include "core/engine_parts.h"

namespace envtool {

std::optional<std::string> missing_hosts_block(ProjectRun& run, const MachineConfig& machine,
                                               const MachineRecord& record, Operation& operation) {
  if (run.project.machines.size() < 2) return std::nullopt;
  const std::string& hostname = machine.hostname.empty() ? machine.name : machine.hostname;
  std::string block = hosts_block(hostname, project_hosts(run, machine.name, operation));
  if (record.started_with["hosts"].as_text() == block) return std::nullopt;
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
