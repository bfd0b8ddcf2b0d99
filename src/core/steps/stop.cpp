#include <fmt/format.h>

#include <functional>
#include <future>
#include <set>

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

namespace {

/// Before the machine goes: which of its disks do not go with it, as the Envfile says now.
void settle_disks(MachineContext& machine) {
  KeptDisks* const power = power_of<KeptDisks>(machine.provider);
  if (!power) return;
  const std::string& name = machine.record.backend_name;
  const std::vector<std::string> before = power->kept_disks(name, machine.operation);
  std::set<std::string> after(before.begin(), before.end());
  for (const DiskConfig& disk : machine.config.disks)
    if (disk.keep)
      after.insert(disk.name);
    else
      after.erase(disk.name);
  if (after != std::set<std::string>(before.begin(), before.end()))
    power->keep_disks(name, machine.run.environment->id, after, machine.operation);
}

/// When it is gone: a helper that a killed run left at work may have made one until then.
void remove_disks(MachineContext& machine) {
  const std::string& name = machine.record.backend_name;
  if (!kept_disks_of(machine.provider, name, machine.operation).empty())
    power_of<KeptDisks>(machine.provider)
        ->keep_disks(name, machine.run.environment->id, {}, machine.operation);
}

}  // namespace

void forget_machine(MachineContext& machine) {
  machine.run.ports.release(machine.run.environment->id, machine.config.name);
  const std::vector<std::string> kept =
      kept_disks_of(machine.provider, machine.record.backend_name, machine.operation);
  if (kept.empty()) return machine.store.remove();
  machine.store.remove_but_disks(machine.record);
  machine.operation.say(fmt::format("{} kept; 'envtool destroy --volumes {}' removes {}",
                                    disks_in_words(kept) + (kept.size() == 1 ? " is" : " are"),
                                    machine.config.name, kept.size() == 1 ? "it" : "them"));
}

Step destroy_step(DiskFate disks) {
  Step step{.name = "destroy", .title = "destroy", .effect = StepEffect::removes};
  // Due without a machine too: a record of one, or half of one, has something to remove.
  step.need = [disks](MachineContext& machine) {
    const bool absent = machine.state.phase == MachinePhase::absent;
    if (absent && machine.record.only_disks && disks == DiskFate::as_written) return Need::none();
    return Need::because(absent ? "a record is left" : "it exists");
  };
  step.run = [disks](MachineContext& machine) {
    const std::future<void> leaving = leave(machine);
    if (disks == DiskFate::as_written) settle_disks(machine);
    machine.provider.destroy(machine.record.backend_name, machine.run.environment->id, machine.operation);
    if (disks == DiskFate::removed) remove_disks(machine);
    forget_machine(machine);
  };
  return step;
}

std::vector<Step> up_steps(const MachineContext& context) {
  std::vector<Step> steps{resume_step(),          choose_ports_step(),  resolve_box_step(context),
                          lock_box_step(),        create_step(),        start_step(),
                          forward_ports_step(),   wait_ready_step(),    names_step(),
                          set_up_networks_step(), limits_step(),        native_folders_step(),
                          mount_disks_step(),     mount_folders_step(), sync_folders_step()};
  for (Step& step : provision_steps(context)) steps.push_back(std::move(step));
  steps.push_back(probe_step());
  return steps;
}

std::vector<Step> provision_only_steps(const MachineContext& context) { return provision_steps(context); }

std::vector<Step> start_steps() {
  return {choose_ports_step(), start_step(),           forward_ports_step(), wait_ready_step(),
          names_step(),        set_up_networks_step(), mount_disks_step(),   mount_folders_step()};
}

std::vector<Step> halt_steps(StopMode mode) {
  std::vector<Step> steps{stop_forwards_step(), stop_step(mode)};
  // A paused guest cannot be asked to shut down.
  if (mode == StopMode::graceful) steps.insert(steps.begin(), resume_step());
  return steps;
}

std::vector<Step> destroy_steps(DiskFate disks) { return {stop_forwards_step(), destroy_step(disks)}; }

}  // namespace envtool
