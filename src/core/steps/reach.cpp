#include <fmt/format.h>

#include <algorithm>

#include "core/capabilities.h"
#include "core/changes.h"
#include "core/hosts_update.h"
#include "core/inventory.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

bool fits(const PortConfig& wanted, const Forward& have) {
  if (wanted.bind != have.bind || wanted.guest != have.guest || wanted.protocol != have.protocol)
    return false;
  return !wanted.host || (wanted.host->first <= have.host && have.host <= wanted.host->last);
}

bool all_fit(const std::vector<PortConfig>& wanted, const std::vector<Forward>& have) {
  return wanted.size() == have.size() &&
         std::all_of(wanted.begin(), wanted.end(), [&](const PortConfig& port) {
           return std::any_of(have.begin(), have.end(),
                              [&](const Forward& forward) { return fits(port, forward); });
         });
}

std::string describe(const std::vector<Forward>& forwards) {
  std::string text;
  for (const Forward& forward : forwards)
    text += fmt::format("{}{}:{} to {}", text.empty() ? "" : ", ", forward.bind, forward.host, forward.guest);
  return text;
}

void choose_ports(MachineContext& machine) {
  const std::vector<Forward> mine = machine.run.forwarders.active(machine.store.directory());
  machine.record.forwards = machine.run.ports.choose(machine.run.environment->id, machine.config.name,
                                                     machine.config.ports, machine.record.forwards, mine);
  if (!machine.record.created.empty()) machine.save();
}

void serve_forwards(MachineContext& machine) {
  const SshEndpoint endpoint = machine.run.endpoint_of(machine.record, machine.operation);
  const std::string command = port_command(endpoint);
  for (const Forward& forward : machine.record.forwards)
    if (!command.empty() && forward.protocol == Protocol::udp)
      throw Error(
          ErrorKind::unsupported,
          fmt::format("cannot forward UDP port {}: this host reaches the machine by SSH only", forward.guest))
          .with_hint("leave it out of 'ports', or make the machine where this host has a route to it");
  UniqueFd run_ended;
  if (Lifetime* const lifetime = power_of<Lifetime>(machine.provider))
    run_ended = lifetime->run_ended(machine.record.backend_name, machine.operation);
  machine.run.forwarders.ensure({.directory = machine.store.directory(),
                                 .forwards = machine.record.forwards,
                                 .guest_address = endpoint.ssh_only ? "127.0.0.1" : endpoint.host,
                                 .device = endpoint.device,
                                 .command = command,
                                 .run_ended = run_ended.get()},
                                machine.operation);
}

}  // namespace

Step choose_ports_step() {
  Step step{.name = "ports", .title = "choose host ports"};
  step.need = [](MachineContext& machine) {
    const bool taken_care_of = all_fit(machine.config.ports, machine.record.forwards) &&
                               machine.state.phase == MachinePhase::running;
    if (taken_care_of || (machine.config.ports.empty() && machine.record.forwards.empty()))
      return Need::none();
    // A stopped machine's ports may have been taken by somebody else meanwhile.
    return Need::because(machine.config.ports.empty() ? "the Envfile forwards none"
                                                      : "the Envfile forwards ports");
  };
  step.run = choose_ports;
  return step;
}

Step forward_ports_step() {
  Step step{.name = "forward", .title = "forward ports"};
  step.need = [](MachineContext& machine) {
    const std::vector<Forward> active = machine.run.forwarders.active(machine.store.directory());
    if (machine.planning && !machine.config.ports.empty() &&
        (machine.started_now || !all_fit(machine.config.ports, active)))
      return Need::because(fmt::format("{} in the Envfile", machine.config.ports.size()));
    if (!machine.planning && !machine.record.forwards.empty() &&
        (machine.started_now || active != machine.record.forwards))
      return Need::because(describe(machine.record.forwards));
    return machine.config.ports.empty() && !active.empty() ? Need::because("the Envfile forwards none")
                                                           : Need::none();
  };
  step.run = [](MachineContext& machine) {
    try {
      serve_forwards(machine);
    } catch (const Error&) {
      // Somebody may have taken a port since it was chosen; another of its range will do.
      const std::vector<Forward> before = machine.record.forwards;
      choose_ports(machine);
      if (machine.record.forwards == before) throw;
      serve_forwards(machine);
    }
  };
  return step;
}

Step stop_forwards_step() {
  Step step{.name = "unforward", .title = "stop forwarding ports"};
  step.need = [](MachineContext& machine) {
    if (machine.run.forwarders.active(machine.store.directory()).empty()) return Need::none();
    return Need::because("ports are forwarded");
  };
  step.run = [](MachineContext& machine) { machine.run.forwarders.stop(machine.store.directory()); };
  return step;
}

Step names_step() {
  Step step{.name = "names", .title = "tell it the names of the others"};
  step.need = [](MachineContext& machine) {
    // Those that came up beside it were not there yet when it started. While planning nobody is there.
    if (machine.state.phase != MachinePhase::running || (machine.planning && machine.started_now))
      return Need::none();
    return missing_hosts_block(machine.run, machine.config, machine.record, machine.operation)
               ? Need::because("the other machines' addresses differ from those it knows")
               : Need::none();
  };
  step.run = [](MachineContext& machine) {
    const auto block = missing_hosts_block(machine.run, machine.config, machine.record, machine.operation);
    if (!block) return;
    write_hosts_block(machine.guest(), *block, machine.operation);
    machine.record.started_with.set("hosts", *block);
    machine.save();
  };
  return step;
}

Step limits_step() {
  Step step{.name = "limits", .title = "apply CPU and memory limits"};
  step.need = [](MachineContext& machine) {
    if (machine.started_now || power_of<LiveLimits>(machine.provider) == nullptr) return Need::none();
    if (machine.record.started_with["limits"] == to_value(limits_of(machine.config, machine.provider.info())))
      return Need::none();
    return Need::because("they differ from the Envfile's");
  };
  step.run = [](MachineContext& machine) {
    require<LiveLimits>(machine.provider, machine.run.services.providers)
        .apply_limits(machine.record.backend_name, limits_of(machine.config, machine.provider.info()),
                      machine.operation);
    machine.record.started_with.set("limits", to_value(limits_of(machine.config, machine.provider.info())));
    machine.save();
  };
  return step;
}

}  // namespace envtool
