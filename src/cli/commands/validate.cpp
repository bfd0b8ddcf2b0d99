#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/reporter_json.h"
#include "cli/session.h"
#include "core/preflight.h"

namespace envtool {

namespace {

int validate(Session& session) {
  try {
    const ProjectConfig& project = session.project().project;
    check_content(session.host, session.services, project);
    Value machines = Value::list();
    for (const MachineConfig& machine : project.machines) machines.push_back(machine.name);
    session.show(fmt::format("the Envfile of '{}' is valid: {}\n", project.name,
                             count_of(project.machines.size(), "machine")),
                 Value::map({{"valid", true}, {"project", project.name}, {"machines", machines}}));
    return exit_code::done;
  } catch (const Error& error) {
    const bool is_answer = error.kind() == ErrorKind::bad_envfile || error.kind() == ErrorKind::unsupported;
    if (!session.options.json || !is_answer) throw;
    session.host.reporter.document(
        Value::map({{"valid", false}, {"problems", to_value(error.diagnostics())}}));
    return exit_code_of(error.kind());
  }
}

}  // namespace

Command validate_command() {
  return {
      .name = "validate",
      .group = group::project,
      .summary = "show every problem of the Envfile at once",
      .description =
          "Reads the Envfile, its layers and the files that it names, and touches no provider: keys are\n"
          "checked against what the providers can that the Envfile names, else any of this program. Exit 0\n"
          "when it is valid, 3 when not, 6 when only keys are in it that no such provider supports.",
      .run = validate};
}

}  // namespace envtool
