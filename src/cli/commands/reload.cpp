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
          .options = {flag(0, "provision", options->provision, "run all provisioners, done or not"),
                      number_option('j', "jobs", "N", options->up.jobs, {1, 1000},
                                    "at most N machines at a time")},
          .arguments = {machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options](Session& session) {
            options->up.provision.forced = options->provision;
            const Session::Target target = session.open(options->machines);
            const auto machines = target.engine.select(target.machines, false);
            return session.finish(target.engine.reload(machines, options->up), "is up again", "is up again",
                                  [&] { target.engine.show_messages(machines); });
          }};
}

}  // namespace envtool
