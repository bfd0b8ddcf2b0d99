#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command config_command() {
  return {
      .name = "config",
      .group = group::project,
      .summary = "print the Envfile as envtool reads it",
      .description =
          "All layers merged and all variables expanded. With -v every value is followed by the file and\n"
          "line it came from.",
      .run = [](Session& session) {
        const Value& document = session.project().document;
        session.show(render_document(document, session.options.verbose), document);
        return exit_code::done;
      }};
}

}  // namespace envtool
