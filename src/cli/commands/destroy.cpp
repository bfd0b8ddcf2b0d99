#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

namespace {

struct Options {
  std::vector<std::string> machines;
  bool volumes = false;
};

int destroy(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines, Session::Config::if_there);
  const std::vector<std::string> machines = target.engine.select(target.machines, true);
  std::vector<std::string> there;
  for (const MachineStatus& status : target.engine.status(machines)) {
    const bool only_disks = status.record && status.record->only_disks;
    if ((status.record && (options.volumes || !only_disks)) || status.phase != MachinePhase::absent)
      there.push_back("'" + status.name + "'");
  }
  const std::string question =
      fmt::format("destroy {} and all that is in {}{}?", join(there, ", "), there.size() == 1 ? "it" : "them",
                  options.volumes ? ", kept disks too" : "");
  if (!there.empty() && !session.confirm(question)) {
    session.say("nothing was destroyed");
    return exit_code::failed;
  }
  const DiskFate disks = options.volumes ? DiskFate::removed : DiskFate::as_written;
  return session.finish(target.engine.destroy(machines, disks), "is destroyed", "is not there");
}

}  // namespace

Command destroy_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "destroy",
          .group = group::machines,
          .summary = "remove machines with everything in them; asks",
          .description =
              "Without names: all machines, also those that are no longer in the Envfile. '@ENV' works\n"
              "without the project: its name, or the first digits of its id from 'envtool list'.\n"
              "Disks with 'keep: true' stay for the next machine of that name.",
          .examples = {"envtool destroy web", "envtool destroy --yes", "envtool destroy @3f9a --yes",
                       "envtool destroy db --volumes"},
          .options = {flag(0, "volumes", options->volumes, "also disks that the Envfile keeps")},
          .arguments = {machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options](Session& session) { return destroy(session, *options); }};
}

}  // namespace envtool
