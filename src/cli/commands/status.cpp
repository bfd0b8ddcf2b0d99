#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/context.h"
#include "core/powers.h"

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
  if (status.phase == MachinePhase::absent && !status.kept_disks.empty())
    parts.push_back(fmt::format("{} kept of it", disks_in_words(status.kept_disks)));
  std::vector<std::string> keys;
  for (const PendingChange& change : status.pending) keys.push_back(change.key);
  if (!keys.empty()) parts.push_back("changed: " + join(keys, ", "));
  return join(parts, "; ");
}

std::string to_text(const MachineUsage& usage) {
  std::vector<std::string> parts;
  for (const auto& [word, figures] : to_words(usage)) parts.push_back(word + " " + figures);
  return join(parts, ", ");
}

/// A row a machine; `usages` has one of each, or none at all.
std::string to_text(const std::vector<MachineStatus>& machines, const std::vector<MachineUsage>& usages,
                    const Style& style) {
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < machines.size(); ++i) {
    const MachineStatus& status = machines[i];
    std::vector<std::string> ports;
    for (const Forward& forward : status.forwards) ports.push_back(to_text(forward));
    std::vector<std::string> addresses = status.addresses;
    for (const NetworkPlace& place : status.networks) addresses.push_back(to_text(place));
    rows.push_back({style.bold(status.name), state_of(status, style), status.provider, join(addresses, ", "),
                    join(ports, ", "), usages.empty() ? "" : to_text(usages[i]), remarks(status)});
  }
  // A column that is empty in every row only makes the others harder to read.
  for (std::size_t column = 7; column-- > 2;)
    if (std::all_of(rows.begin(), rows.end(), [&](const auto& row) { return row[column].empty(); }))
      for (auto& row : rows) row.erase(row.begin() + static_cast<std::ptrdiff_t>(column));
  return table(rows);
}

struct Options {
  std::vector<std::string> machines;
  bool usage = false;
};

int status(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines, Session::Config::if_there);
  const auto machines = target.engine.status(target.engine.select(target.machines, true));
  Value list = Value::list();
  std::vector<MachineUsage> usages;
  for (const MachineStatus& machine : machines) {
    Value value = to_value(machine);
    if (options.usage) {
      usages.push_back(Powers(target.engine).usage(machine));
      value.set("usage", to_value(usages.back()));
    }
    list.push_back(value);
  }
  const auto& environment = target.engine.environment();
  Value document = Value::map({{"project", session.config() ? session.config()->name : environment->name}});
  if (environment) document.set("environment", environment->id);
  session.show(to_text(machines, usages, session.style), document.set("machines", list));
  return exit_code::done;
}

}  // namespace

Command status_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "status",
      .group = group::look,
      .summary = "show this project's machines as they are now",
      .description =
          "State, provider, addresses, forwarded ports, and what was changed in the Envfile since. Asks the\n"
          "providers, so it is never out of date.",
      .options = {flag(0, "usage", options->usage,
                       "also what running machines have taken of CPU, memory, disk and network")},
      .arguments = {machine_arguments(options->machines)},
      .run = [options](Session& session) { return status(session, *options); }};
}

}  // namespace envtool
