#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command reload_command() {
  struct Options {
    std::vector<std::string> machines;
    UpOptions up{.restart = true};
    bool provision = false;
  };
  const auto options = std::make_shared<Options>();
  return {.name = "reload",
          .group = group::machines,
          .summary = "halt machines and bring them up again",
          .description =
              "What needs a restart in an edited Envfile is applied. Machines that are not there stay so.",
          .options = {flag(0, "provision", options->provision, "run all provisioners, done or not"),
                      number_option('j', "jobs", "N", options->up.jobs, {1, 1000},
                                    "at most N machines at a time")},
          .arguments = {machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options](Session& session) {
            options->up.provision.forced = options->provision;
            const Session::Target target = session.open(options->machines);
            const Outcome outcome =
                target.engine.reload(target.engine.select(target.machines, true), options->up);
            return session.finish(outcome, "is up again", "is up again", [&] {
              std::vector<std::string> machines;
              for (const MachineOutcome& machine : outcome.machines) machines.push_back(machine.machine);
              if (!machines.empty()) target.engine.show_messages(machines);
            });
          }};
}

}  // namespace envtool
