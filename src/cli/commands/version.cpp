#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command version_command() {
  return {
      .name = "version", .group = group::tool, .summary = "show the version", .run = [](Session& session) {
        session.show("envtool " ENVTOOL_VERSION "\n", Value::map({{"version", ENVTOOL_VERSION}}));
        return exit_code::done;
      }};
}

}  // namespace envtool
