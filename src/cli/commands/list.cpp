#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

struct Row {
  Environment environment;
  std::vector<MachineStatus> machines;
  bool directory_exists = false;
};

std::vector<Row> rows_of(Session& session) {
  std::vector<Row> rows;
  for (Environment& environment : session.environments().all()) {
    Row row{.environment = environment};
    std::error_code ignored;
    row.directory_exists = fs::exists(environment.directory, ignored);
    Engine engine({.host = session.host,
                   .services = session.services,
                   .environments = session.environments(),
                   .environment = std::move(environment),
                   .command = "envtool list",
                   .stop = session.stop});
    row.machines = engine.status(engine.select({}, true));
    rows.push_back(std::move(row));
  }
  return rows;
}

/// "2 running, 1 stopped", "1 not created, 2 disks kept"
std::string summary(const std::vector<MachineStatus>& machines) {
  std::map<MachinePhase, int> counts;
  std::size_t disks = 0;
  for (const MachineStatus& machine : machines) {
    ++counts[machine.phase];
    if (machine.phase == MachinePhase::absent) disks += machine.kept_disks.size();
  }
  std::vector<std::string> parts;
  for (const MachinePhase phase : {MachinePhase::running, MachinePhase::paused, MachinePhase::stopped,
                                   MachinePhase::broken, MachinePhase::absent})
    if (counts[phase] > 0) parts.push_back(fmt::format("{} {}", counts[phase], to_string(phase)));
  if (disks > 0) parts.push_back(fmt::format("{} {} kept", disks, disks == 1 ? "disk" : "disks"));
  return parts.empty() ? "no machines" : join(parts, ", ");
}

bool is_empty(const Row& row) {
  return std::all_of(row.machines.begin(), row.machines.end(), [](const MachineStatus& machine) {
    return machine.phase == MachinePhase::absent && machine.kept_disks.empty();
  });
}

Value to_value(const std::vector<Row>& rows) {
  Value environments = Value::list();
  for (const Row& row : rows) {
    Value machines = Value::list();
    for (const MachineStatus& machine : row.machines) {
      Value disks = Value::list();
      for (const std::string& disk : machine.kept_disks) disks.push_back(disk);
      machines.push_back(Value::map({{"name", machine.name},
                                     {"state", to_string(machine.phase)},
                                     {"provider", machine.provider},
                                     {"kept_disks", disks}}));
    }
    environments.push_back(Value::map({{"id", row.environment.id},
                                       {"name", row.environment.name},
                                       {"directory", row.environment.directory.string()},
                                       {"directory_exists", row.directory_exists},
                                       {"machines", machines}}));
  }
  return Value::map({{"environments", environments}});
}

int list(Session& session, bool prune) {
  std::vector<Row> rows = rows_of(session);
  if (prune)
    std::erase_if(rows, [&](const Row& row) {
      if (!is_empty(row)) return false;
      session.environments().forget(row.environment);
      session.say(fmt::format("forgot '{}' (@{}): it has nothing left", row.environment.name,
                              row.environment.id.substr(0, 8)));
      return true;
    });
  std::vector<std::vector<std::string>> cells;
  for (const Row& row : rows)
    cells.push_back({"@" + row.environment.id.substr(0, 8), session.style.bold(row.environment.name),
                     summary(row.machines),
                     row.environment.directory.string() + (row.directory_exists ? "" : " (gone)")});
  session.show(table(cells), to_value(rows));
  if (rows.empty()) session.say("no environment has machines on this host");
  return exit_code::done;
}

}  // namespace

Command list_command() {
  const auto prune = std::make_shared<bool>(false);
  return {.name = "list",
          .group = group::look,
          .summary = "show every environment of yours on this host",
          .description =
              "Also those whose project directory is gone: 'envtool destroy @ID' removes their machines.",
          .options = {flag(0, "prune", *prune,
                           "forget environments that have no machine and no kept disk left in any backend")},
          .run = [prune](Session& session) { return list(session, *prune); }};
}

}  // namespace envtool
