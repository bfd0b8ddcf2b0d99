#include <fmt/format.h>

#include <functional>
#include <future>

#include "core/probes.h"
#include "core/steps/steps.h"

namespace envtool {

Step probe_step() {
  Step step{.name = "ready", .title = "wait until it is ready", .effect = StepEffect::looks};
  step.need = [](MachineContext& machine) {
    if (machine.config.ready.empty()) return Need::none();
    return Need::because(
        fmt::format("{} in the Envfile", machine.config.ready.size() == 1 ? "a probe" : "probes"));
  };
  step.run = [](MachineContext& machine) {
    const SshEndpoint endpoint = machine.run.endpoint_of(machine.record, machine.operation);
    const auto guest = [&machine]() -> Communicator& { return machine.guest(); };
    for (const ReadyProbe& probe : machine.config.ready)
      wait_for_probe(probe, endpoint, guest, machine.operation);
  };
  return step;
}

namespace {

/// Ends this program's session, and meanwhile those that others share: for them the machine is not needed.
/// The result is there when they are ended, and its destructor waits for that.
std::future<void> leave(MachineContext& machine) {
  machine.session.reset();
  const auto& close = machine.run.services.close_connections;
  const bool alive =
      machine.state.phase == MachinePhase::running || machine.state.phase == MachinePhase::paused;
  if (!alive || !close) return {};
  try {
    return std::async(std::launch::async, close, machine.run.endpoint_of(machine.record, machine.operation),
                      std::ref(machine.operation));
  } catch (const Error&) {
    return {};  // A machine without an address has no connections.
  }
}

}  // namespace

Step stop_step(StopMode mode) {
  Step step{.name = "stop", .title = "stop", .effect = StepEffect::stops};
  step.need = [](MachineContext& machine) {
    const bool stopped =
        machine.state.phase == MachinePhase::absent || machine.state.phase == MachinePhase::stopped;
    return stopped ? Need::none() : Need::because(fmt::format("it is {}", to_string(machine.state.phase)));
  };
  step.run = [mode](MachineContext& machine) {
    const std::future<void> leaving = leave(machine);
    machine.provider.stop(machine.record.backend_name, mode, machine.config.timeouts.shutdown,
                          machine.operation);
  };
  return step;
}

Step destroy_step() {
  Step step{.name = "destroy", .title = "destroy", .effect = StepEffect::removes};
  // Always due: a record without a machine, or half of one, has something to remove too.
  step.need = [](MachineContext& machine) {
    return Need::because(machine.state.phase == MachinePhase::absent ? "a record is left" : "it exists");
  };
  step.run = [](MachineContext& machine) {
    const std::future<void> leaving = leave(machine);
    machine.provider.destroy(machine.record.backend_name, machine.run.environment->id, machine.operation);
    machine.run.ports.release(machine.run.environment->id, machine.config.name);
    machine.store.remove();
  };
  return step;
}

std::vector<Step> up_steps(const MachineContext& context) {
  std::vector<Step> steps{resume_step(), choose_ports_step(),   resolve_box_step(context), create_step(),
                          start_step(),  forward_ports_step(),  wait_ready_step(),         names_step(),
                          limits_step(), native_folders_step(), sync_folders_step()};
  for (Step& step : provision_steps(context)) steps.push_back(std::move(step));
  steps.push_back(probe_step());
  return steps;
}

std::vector<Step> provision_only_steps(const MachineContext& context) { return provision_steps(context); }

std::vector<Step> start_steps() {
  return {choose_ports_step(), start_step(), forward_ports_step(), wait_ready_step(), names_step()};
}

std::vector<Step> halt_steps(StopMode mode) {
  std::vector<Step> steps{stop_forwards_step(), stop_step(mode)};
  // A paused guest cannot be asked to shut down.
  if (mode == StopMode::graceful) steps.insert(steps.begin(), resume_step());
  return steps;
}

std::vector<Step> destroy_steps() { return {stop_forwards_step(), destroy_step()}; }

}  // namespace envtool
