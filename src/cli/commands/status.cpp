#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"

namespace envtool {

namespace {

std::string state_of(const MachineStatus& status, const Style& style) {
  const std::string text(to_string(status.phase));
  switch (status.phase) {
    case MachinePhase::running:
      return style.green(text);
    case MachinePhase::broken:
      return style.red(text);
    case MachinePhase::paused:
      return style.yellow(text);
    default:
      return text;
  }
}

std::string remarks(const MachineStatus& status) {
  std::vector<std::string> parts;
  if (!status.busy.empty()) parts.push_back("busy: " + status.busy);
  if (!status.detail.empty()) parts.push_back(status.detail);
  std::vector<std::string> keys;
  for (const PendingChange& change : status.pending) keys.push_back(change.key);
  if (!keys.empty()) parts.push_back("changed: " + join(keys, ", "));
  return join(parts, "; ");
}

std::string to_text(const std::vector<MachineStatus>& machines, const Style& style) {
  std::vector<std::vector<std::string>> rows;
  for (const MachineStatus& status : machines) {
    std::vector<std::string> ports;
    for (const Forward& forward : status.forwards) ports.push_back(to_text(forward));
    rows.push_back({style.bold(status.name), state_of(status, style), status.provider,
                    status.addresses.empty() ? "" : status.addresses.front(), join(ports, ", "),
                    remarks(status)});
  }
  // A column that is empty in every row only makes the others harder to read.
  for (std::size_t column = 6; column-- > 2;)
    if (std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return row[column].empty(); }))
      for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  return table(rows);
}

int status(Session& session, const std::vector<std::string>& arguments) {
  const Session::Target target = session.open(arguments, Session::Config::if_there);
  const auto machines = target.engine.status(target.engine.select(target.machines, true));
  Value list = Value::list();
  for (const MachineStatus& machine : machines) list.push_back(to_value(machine));
  const auto& environment = target.engine.environment();
  Value document = Value::map({{"project", session.config() ? session.config()->name : environment->name}});
  if (environment) document.set("environment", environment->id);
  session.show(to_text(machines, session.style), document.set("machines", list));
  return exit_code::done;
}

}  // namespace

Command status_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {
      .name = "status",
      .group = group::look,
      .summary = "show this project's machines as they are now",
      .description =
          "State, provider, address, forwarded ports, and what was changed in the Envfile since. Asks the\n"
          "providers, so it is never out of date.",
      .arguments = {machine_arguments(*machines)},
      .run = [machines](Session& session) { return status(session, *machines); }};
}

}  // namespace envtool
