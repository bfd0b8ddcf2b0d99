#include <fmt/format.h>

#include "core/changes.h"
#include "core/packaging.h"
#include "core/snapshots.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

template <class Power>
Power& power_for(MachineContext& machine) {
  return require<Power>(machine.provider, machine.run.services.providers);
}

}  // namespace

Step resume_step() {
  Step step{.name = "resume", .title = "resume", .effect = StepEffect::resumes};
  step.need = [](MachineContext& machine) {
    return machine.state.phase == MachinePhase::paused ? Need::because("it is paused") : Need::none();
  };
  step.run = [](MachineContext& machine) {
    power_for<Suspend>(machine).resume(machine.record.backend_name, machine.operation);
  };
  return step;
}

Step suspend_step() {
  Step step{.name = "suspend", .title = "suspend"};
  step.need = [](MachineContext& machine) {
    return machine.state.phase == MachinePhase::running ? Need::because("it is running") : Need::none();
  };
  step.run = [](MachineContext& machine) {
    power_for<Suspend>(machine).suspend(machine.record.backend_name, machine.operation);
  };
  return step;
}

Step save_snapshot_step(const std::string& snapshot, MachinePhase phase) {
  // What recovery does depends on whether the machine was to go on.
  Step step{.name = phase == MachinePhase::paused ? "snapshot:paused" : "snapshot",
            .title = fmt::format("save the snapshot {}", snapshot)};
  step.need = [](MachineContext&) { return Need::because("it is wanted"); };
  step.run = [snapshot](MachineContext& machine) {
    SnapshotRecords(machine.store).save(snapshot, machine.record.provisioned);
    power_for<Snapshots>(machine).save_snapshot(machine.record.backend_name, snapshot, machine.operation);
  };
  return step;
}

Step restore_snapshot_step(const std::string& snapshot) {
  Step step{.name = "restore", .title = fmt::format("restore the snapshot {}", snapshot)};
  step.need = [](MachineContext&) { return Need::because("it is wanted"); };
  step.run = [snapshot](MachineContext& machine) {
    const auto saved = SnapshotRecords(machine.store).load(snapshot);
    // Cut off here, the disks are the old ones or the snapshot's: the record then says what is true of both.
    machine.record.provisioned = common(machine.record.provisioned, saved);
    machine.save();
    power_for<Snapshots>(machine).restore_snapshot(machine.record.backend_name, snapshot, machine.operation);
    machine.record.provisioned = saved;
    machine.save();
  };
  return step;
}

Step delete_snapshot_step(const std::string& snapshot) {
  Step step{.name = "delete", .title = fmt::format("delete the snapshot {}", snapshot)};
  step.need = [](MachineContext&) { return Need::because("it is wanted"); };
  step.run = [snapshot](MachineContext& machine) {
    power_for<Snapshots>(machine).delete_snapshot(machine.record.backend_name, snapshot, machine.operation);
    SnapshotRecords(machine.store).remove(snapshot);
  };
  return step;
}

Step set_limits_step(const Limits& limits) {
  Step step{.name = "limits", .title = "set CPU and memory limits"};
  step.need = [](MachineContext&) { return Need::because("they are wanted"); };
  step.run = [limits](MachineContext& machine) {
    power_for<LiveLimits>(machine).apply_limits(machine.record.backend_name, limits, machine.operation);
    // The next up sees that they differ from the Envfile's.
    machine.record.started_with.set("limits", to_value(limits));
    machine.save();
  };
  return step;
}

Step package_step(const NewBox& box, MachinePhase phase) {
  // What recovery does depends on whether the machine was to go on.
  Step step{.name = phase == MachinePhase::paused ? "package:paused" : "package",
            .title = fmt::format("package as {}", box.file.filename().string())};
  step.need = [](MachineContext&) { return Need::because("it is wanted"); };
  step.run = [box](MachineContext& machine) { package_machine(machine, box); };
  step.undo = [phase](MachineContext& machine) {
    abandon_package(machine);
    // Broken off while it stood still, it may do so to this moment.
    Suspend* const suspend = phase == MachinePhase::running ? power_of<Suspend>(machine.provider) : nullptr;
    if (suspend && machine.provider.inspect(machine.record.backend_name, machine.operation).phase ==
                       MachinePhase::paused)
      suspend->resume(machine.record.backend_name, machine.operation);
  };
  return step;
}

}  // namespace envtool
