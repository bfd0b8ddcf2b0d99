#include "cli/commands/commands.h"
#include "cli/commands/guest.h"

namespace envtool {

namespace {

Value to_value(const SshTarget& target) {
  return Value::map({{"machine", target.machine},
                     {"alias", target.config_alias},
                     {"host", target.endpoint.host},
                     {"port", target.endpoint.port},
                     {"user", target.endpoint.user},
                     {"private_key", target.endpoint.private_key.string()},
                     {"known_hosts", target.endpoint.known_hosts.string()},
                     {"host_key_alias", target.endpoint.host_key_alias}});
}

int ssh_config(Session& session, const std::vector<std::string>& arguments) {
  const Session::Target target = session.open(arguments);
  std::string text;
  Value list = Value::list();
  for (const MachineStatus& status : target.engine.status(target.engine.select(target.machines, true))) {
    // One that was named must be there; of all of them, those that run.
    if (target.machines.empty() && status.phase != MachinePhase::running) continue;
    const SshTarget machine = target.engine.ssh_target(status.name);
    if (!text.empty()) text += "\n";
    text += ssh_config_block(machine.config_alias, machine.endpoint, ssh_options(session, machine));
    list.push_back(to_value(machine));
  }
  if (text.empty()) session.say("no machine runs", Tone::warning);
  session.show(text, Value::map({{"machines", list}}));
  return exit_code::done;
}

}  // namespace

Command ssh_config_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "ssh-config",
          .group = group::look,
          .summary = "print an ssh configuration for the running machines",
          .description = "For 'ssh -F', rsync and editors. A machine's name in it is MACHINE.PROJECT.",
          .examples = {"envtool ssh-config > config && ssh -F config web.shop"},
          .arguments = {machine_arguments(*machines)},
          .run = [machines](Session& session) { return ssh_config(session, *machines); }};
}

}  // namespace envtool
