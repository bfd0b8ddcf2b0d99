#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "core/provisioning.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

/// What a killed envtool left running in the guest would be in the way of what runs now.
void end_last_job(MachineContext& machine) {
  if (machine.record.job.empty()) return;
  if (!machine.started_now) machine.guest().end_job(machine.record.job, machine.operation);
  machine.record.job.clear();
}

}  // namespace

std::vector<Step> provision_steps(const MachineContext& context) {
  std::vector<Step> steps;
  for (const ProvisionConfig& item : context.config.provision) {
    Step step{.name = "provision:" + item.name, .title = fmt::format("provision {}", item.name)};
    step.need = [&item](MachineContext& machine) {
      const Provisioner& provisioner = *machine.run.services.provisioners.find(item.kind);
      const auto done = machine.record.provisioned.find(item.name);
      const bool is_done = done != machine.record.provisioned.end() && !machine.created_now;
      return provision_need(item, is_done ? &done->second : nullptr, machine.selection,
                            [&] { return provisioner.fingerprint(item, machine.run.project); });
    };
    step.run = [&item](MachineContext& machine) {
      const Provisioner& provisioner = *machine.run.services.provisioners.find(item.kind);
      const std::string fingerprint = provisioner.fingerprint(item, machine.run.project);
      machine.record.provisioned.erase(item.name);
      end_last_job(machine);
      machine.record.job = random_hex(8);
      machine.save();
      ProvisionContext where = provision_context(machine.run, {machine.config.name}, machine.operation);
      where.ssh_user = machine.record.ssh_user;
      where.communicator = &machine.guest();
      where.job = machine.record.job;
      provisioner.run(item, where, machine.selection.flags, machine.operation);
      machine.record.job.clear();
      if (machine.selection.flags.check) return machine.save();
      machine.record.provisioned[item.name] = {fingerprint, timestamp(machine.run.host.clock)};
      machine.save();
    };
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace envtool
