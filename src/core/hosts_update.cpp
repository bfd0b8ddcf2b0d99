#include <fmt/format.h>

#include "base/text.h"
#include "core/engine_parts.h"

namespace envtool {

void Engine::Parts::update_hosts() {
  if (config.machines.size() < 2) return;
  for (const MachineConfig& machine_config : config.machines) {
    const MachineStore store(*run.environment, machine_config.name);
    auto record = store.load();
    if (!record || record->created.empty()) continue;
    Operation operation{setup.host, machine_config.name, setup.stop};
    const MachineState state = run.provider(record->provider).inspect(record->backend_name, operation);
    if (state.phase != MachinePhase::running) continue;
    const std::string& hostname =
        machine_config.hostname.empty() ? machine_config.name : machine_config.hostname;
    const std::string block = hosts_block(hostname, project_hosts(run, machine_config.name, operation));
    if (record->started_with["hosts"].as_text() == block) continue;
    const auto guest = setup.services.communicators.connect(
        run.endpoint_of(*record, operation), std::chrono::seconds(30), [] {}, operation);
    GuestCommand command{.script = replace_hosts_block_script(), .user = "root", .input = block};
    const ProcessResult result = guest->run(command, operation);
    if (!result.ok())
      throw Error(ErrorKind::failed, fmt::format("machine '{}': cannot write /etc/hosts: {}",
                                                 machine_config.name, last_lines(result.error, 2)));
    record->started_with.set("hosts", block);
    store.save(*record);
  }
}

}  // namespace envtool
