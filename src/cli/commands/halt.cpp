#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command halt_command() {
  struct Options {
    std::vector<std::string> machines;
    bool force = false;
  };
  const auto options = std::make_shared<Options>();
  return {.name = "halt",
          .group = group::machines,
          .summary = "stop machines, those that depend on others first",
          .description =
              "The guest is asked to shut down, and stopped when it does not within 'timeouts: shutdown'.",
          .options = {flag(0, "force", options->force, "stop them at once, like pulling the plug")},
          .arguments = {machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options](Session& session) {
            const Session::Target target = session.open(options->machines, Session::Config::if_there);
            const auto machines = target.engine.select(target.machines, true);
            const StopMode mode = options->force ? StopMode::hard : StopMode::graceful;
            return session.finish(target.engine.halt(machines, mode), "is halted", "does not run");
          }};
}

}  // namespace envtool
