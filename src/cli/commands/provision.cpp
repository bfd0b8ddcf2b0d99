#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command provision_command() {
  struct Options {
    std::vector<std::string> machines;
    ProvisionSelection selection{.forced = true};
  };
  const auto options = std::make_shared<Options>();
  Command command{
      .name = "provision",
      .group = group::machines,
      .summary = "run provisioners now, done or not",
      .description = "Machines that do not run are left as they are.",
      .examples = {"envtool provision web --provision-with setup",
                   "envtool provision --provision-with ansible --check --diff -- --tags nginx"},
      .options = {list_option(0, "provision-with", "NAME", options->selection.only,
                              "run only this one, by name or kind; again: one more"),
                  flag(0, "check", options->selection.flags.check,
                       "only tell what would change, where the kind can"),
                  flag(0, "diff", options->selection.flags.diff,
                       "show differences in files, where the kind can")},
      .arguments = {machine_arguments(options->machines)},
      .rest =
          ArgumentRow{
              .name = "ARGUMENTS",
              .help = "for ansible-playbook, as they are",
              .set = [options](const std::string& word) { options->selection.flags.raw.push_back(word); },
              .repeated = true},
      .event_stream = true};
  command.options[0].completes = Completes::provisioners;
  command.run = [options](Session& session) {
    const Session::Target target = session.open(options->machines);
    const auto machines = target.engine.select(target.machines, false);
    return session.finish(target.engine.provision(machines, options->selection), "is provisioned", "");
  };
  return command;
}

}  // namespace envtool
