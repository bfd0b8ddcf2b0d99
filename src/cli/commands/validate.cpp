#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/reporter_json.h"
#include "cli/session.h"

namespace envtool {

namespace {

int validate(Session& session) {
  try {
    const ProjectConfig& project = session.project().project;
    Value machines = Value::list();
    for (const MachineConfig& machine : project.machines) machines.push_back(machine.name);
    session.show(fmt::format("the Envfile of '{}' is valid: {}\n", project.name,
                             count_of(project.machines.size(), "machine")),
                 Value::map({{"valid", true}, {"project", project.name}, {"machines", machines}}));
    return exit_code::done;
  } catch (const Error& error) {
    if (!session.options.json || error.kind() != ErrorKind::bad_envfile) throw;
    session.host.reporter.document(
        Value::map({{"valid", false}, {"problems", to_value(error.diagnostics())}}));
    return exit_code::bad_envfile;
  }
}

}  // namespace

Command validate_command() {
  return {
      .name = "validate",
      .group = group::project,
      .summary = "show every problem of the Envfile at once",
      .description =
          "Reads the Envfile and its layers and touches no provider. Exit 0 when it is valid, 3 when not.",
      .run = validate};
}

}  // namespace envtool
