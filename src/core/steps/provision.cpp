#include <fmt/format.h>

#include <algorithm>

#include "core/provisioning.h"
#include "core/steps/steps.h"

namespace envtool {

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
      ProvisionContext where = provision_context(machine.run, {machine.config.name}, machine.operation);
      where.ssh_user = machine.record.ssh_user;
      where.communicator = &machine.guest();
      provisioner.run(item, where, machine.selection.flags, machine.operation);
      if (machine.selection.flags.check) return;
      machine.record.provisioned[item.name] = {fingerprint, timestamp(machine.run.host.clock)};
      machine.save();
    };
    steps.push_back(std::move(step));
  }
  return steps;
}

}  // namespace envtool
