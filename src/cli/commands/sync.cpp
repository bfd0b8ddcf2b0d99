#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command sync_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "sync",
          .group = group::inside,
          .summary = "push the folders that are copied into machines",
          .description = "Folders of type rsync. Those that a machine shares with the host need none of it.",
          .arguments = {machine_arguments(*machines)},
          .event_stream = true,
          .run = [machines](Session& session) {
            const Session::Target target = session.open(*machines);
            const auto names = target.engine.select(target.machines, false);
            return session.finish(target.engine.sync(names), "is in sync", "");
          }};
}

}  // namespace envtool
