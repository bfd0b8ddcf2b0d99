#include "cli/commands/commands.h"
#include "cli/session.h"
#include "core/powers.h"

namespace envtool {

Command suspend_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "suspend",
          .group = group::machines,
          .summary = "pause running machines where they are",
          .description =
              "They take no CPU time and keep their memory; 'resume' lets them go on, and so does 'up'.\n"
              "Without names: all machines.",
          .arguments = {machine_arguments(*machines)},
          .event_stream = true,
          .run = [machines](Session& session) {
            const Session::Target target = session.open(*machines, Session::Config::if_there);
            const auto names = target.engine.select(target.machines, true);
            return session.finish(Powers(target.engine).suspend(names), "is paused", "");
          }};
}

Command resume_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "resume",
          .group = group::machines,
          .summary = "let paused machines go on",
          .description = "Their ports are forwarded again when this returns. Without names: all machines.",
          .arguments = {machine_arguments(*machines)},
          .event_stream = true,
          .run = [machines](Session& session) {
            const Session::Target target = session.open(*machines, Session::Config::if_there);
            const auto names = target.engine.select(target.machines, true);
            return session.finish(Powers(target.engine).resume(names), "runs on", "");
          }};
}

}  // namespace envtool
