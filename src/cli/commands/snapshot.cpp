#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"
#include "core/powers.h"

namespace envtool {

namespace {

struct Options {
  std::string snapshot;
  std::vector<std::string> machines;
};

ArgumentRow snapshot_argument(std::string& target) {
  return {.name = "NAME",
          .help = "the snapshot's: letters, digits, '-', '_' and dots",
          .set = [&target](const std::string& word) { target = word; },
          .required = true,
          .completes = Completes::snapshots};
}

/// The machines that are meant and have it. Those that are named must.
std::vector<std::string> machines_with(const Session::Target& target, const Options& options) {
  return Powers(target.engine)
      .with_snapshot(target.engine.select(target.machines, true), options.snapshot, !target.machines.empty());
}

int save(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines, Session::Config::if_there);
  const auto names = target.engine.select(target.machines, true);
  return session.finish(Powers(target.engine).save_snapshot(names, options.snapshot), "is saved",
                        "is not created");
}

int restore(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines, Session::Config::if_there);
  const auto names = machines_with(target, options);
  return session.finish(Powers(target.engine).restore_snapshot(names, options.snapshot), "is restored", "");
}

int remove(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines, Session::Config::if_there);
  const auto names = machines_with(target, options);
  return session.finish(Powers(target.engine).delete_snapshot(names, options.snapshot),
                        "has lost the snapshot", "");
}

int list(Session& session, const std::vector<std::string>& arguments) {
  const Session::Target target = session.open(arguments, Session::Config::if_there);
  std::vector<std::vector<std::string>> rows;
  Value machines = Value::list();
  for (const std::string& machine : target.engine.select(target.machines, true)) {
    const std::vector<SnapshotInfo> snapshots = Powers(target.engine).snapshots(machine);
    for (const SnapshotInfo& snapshot : snapshots)
      rows.push_back(
          {session.style.bold(snapshot.name), machine, snapshot.when, join(to_words(snapshot), ", ")});
    machines.push_back(Value::map({{"name", machine}, {"snapshots", to_value(snapshots)}}));
  }
  session.show(table(rows), Value::map({{"machines", machines}}));
  if (rows.empty()) session.say("there is no snapshot");
  return exit_code::done;
}

Command command_on_one(const std::string& verb, std::string summary, int (*run)(Session&, const Options&)) {
  const auto options = std::make_shared<Options>();
  return {.name = "snapshot " + verb,
          .group = group::machines,
          .summary = std::move(summary),
          .arguments = {snapshot_argument(options->snapshot), machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options, run](Session& session) { return run(session, *options); }};
}

}  // namespace

Command snapshot_save_command() {
  Command command = command_on_one("save", "keep machines' disks as they are now", save);
  command.description =
      "Of running machines too, which stand still meanwhile. What provisioners have done is kept with\n"
      "it. Without machines: all that are created. 'destroy' removes a machine's snapshots with it.";
  command.examples = {"envtool snapshot save clean", "envtool snapshot save before-upgrade db"};
  command.arguments.front().completes = Completes::nothing;
  return command;
}

Command snapshot_restore_command() {
  Command command = command_on_one("restore", "give machines the disks of a snapshot", restore);
  command.description =
      "What was written since is lost. A machine that runs is stopped and started again; none is\n"
      "provisioned, and each keeps its address and keys. Without machines: all that have the snapshot.";
  return command;
}

Command snapshot_delete_command() {
  Command command = command_on_one("delete", "remove a snapshot", remove);
  command.description = "The machine stays as it is. Without machines: of all that have it.";
  return command;
}

Command snapshot_list_command() {
  const auto machines = std::make_shared<std::vector<std::string>>();
  return {.name = "snapshot list",
          .group = group::machines,
          .summary = "show snapshots with their time and size",
          .description =
              "The size, where it is known, is what it holds that no older snapshot of the machine holds.\n"
              "One with memory is restored to what ran then.",
          .arguments = {machine_arguments(*machines)},
          .run = [machines](Session& session) { return list(session, *machines); }};
}

}  // namespace envtool
