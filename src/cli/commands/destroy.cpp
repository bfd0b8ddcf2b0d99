#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

namespace {

int destroy(Session& session, const std::vector<std::string>& arguments) {
  const Session::Target target = session.open(arguments, Session::Config::if_there);
  const std::vector<std::string> machines = target.engine.select(target.machines, true);
  std::vector<std::string> there;
  for (const MachineStatus& status : target.engine.status(machines))
    if (status.record || status.phase != MachinePhase::absent) there.push_back("'" + status.name + "'");
  if (!there.empty() && !session.confirm(fmt::format("destroy {} and all that is in {}?", join(there, ", "),
                                                     there.size() == 1 ? "it" : "them"))) {
    session.say("nothing was destroyed");
    return exit_code::failed;
  }
  return session.finish(target.engine.destroy(machines), "is destroyed", "is not there");
}

}  // namespace

Command destroy_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "destroy",
          .group = group::machines,
          .summary = "remove machines with everything in them; asks",
          .description =
              "Without names: all machines, also those that are no longer in the Envfile. '@ENV' works\n"
              "without the project: its name, or the first digits of its id from 'envtool list'.",
          .examples = {"envtool destroy web", "envtool destroy --yes", "envtool destroy @3f9a --yes"},
          .arguments = {machine_arguments(*machines)},
          .event_stream = true,
          .run = [machines](Session& session) { return destroy(session, *machines); }};
}

}  // namespace envtool
