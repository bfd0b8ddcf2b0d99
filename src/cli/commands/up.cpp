#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/guest.h"
#include "cli/commands/views.h"
#include "cli/session.h"

namespace envtool {

namespace {

struct Options {
  std::vector<std::string> machines;
  UpOptions up;
  bool provision = false, no_provision = false, adopt = false;
};

/// Names what would be lost; whoever says no changes nothing.
bool may_recreate(Session& session, Engine& engine, const std::vector<std::string>& machines) {
  std::vector<std::string> doomed;
  for (const MachineStatus& status : engine.status(machines))
    for (const PendingChange& change : status.pending)
      if (change.needs == PendingChange::Needs::recreate) {
        doomed.push_back(fmt::format("'{}' (for {})", status.name, change.key));
        break;
      }
  return doomed.empty() || session.confirm(fmt::format("destroy and make anew {}?", join(doomed, ", ")));
}

void keep_files_for_editors(const Session& session, Engine& engine) {
  if (!engine.environment()) return;
  write_ssh_config(session, engine);
  const std::filesystem::path& project = engine.environment()->directory;
  if (!std::filesystem::exists(project / ".envtool" / "schema.json")) write_schema(session, project);
}

int up(Session& session, Options& options) {
  if (options.provision && options.no_provision)
    throw Error(ErrorKind::usage, "'--provision' and '--no-provision' exclude each other");
  options.up.provision.forced = options.provision;
  options.up.provision.disabled = options.no_provision;
  session.adopt = options.adopt;
  const Session::Target target = session.open(options.machines);
  const std::vector<std::string> machines = target.engine.select(target.machines, false);
  if (options.up.recreate && !may_recreate(session, target.engine, machines)) return exit_code::failed;
  const Outcome outcome = target.engine.up(machines, options.up);
  keep_files_for_editors(session, target.engine);
  return session.finish(outcome, "is up", "is up, nothing to do",
                        [&] { target.engine.show_messages(machines); });
}

}  // namespace

Command up_command() {
  const auto options = std::make_shared<Options>();
  Command command{
      .name = "up",
      .group = group::machines,
      .summary = "bring machines to running, provisioned and ready",
      .description =
          "From whatever state they are in: what is done already is not done again, and what a killed run\n"
          "left half done is put right. Without names: all machines but those with 'autostart: false'.",
      .examples = {"envtool up", "envtool up db 'web-*'",
                   "envtool up --restart     also apply what needs a restart"},
      .arguments = {machine_arguments(options->machines)},
      .event_stream = true};
  command.options = {
      text_option(0, "provider", "NAME", options->up.provider, "for machines that are not created yet"),
      flag(0, "provision", options->provision, "run all provisioners, done or not"),
      flag(0, "no-provision", options->no_provision, "run none"),
      list_option(0, "provision-with", "NAME", options->up.provision.only,
                  "run only this one, by name or kind; again: one more"),
      number_option('j', "jobs", "N", options->up.jobs, {1, 1000}, "at most N machines at a time"),
      flag(0, "restart", options->up.restart, "restart machines for changes that need it"),
      flag(0, "recreate", options->up.recreate, "make machines anew for changes that need it; asks"),
      flag(0, "remove-orphans", options->up.remove_orphans,
           "destroy machines that are no longer in the Envfile"),
      flag(0, "locked", options->up.locked, "use boxes as Envfile.lock has them; any other is an error"),
      flag(0, "destroy-on-error", options->up.destroy_on_error,
           "destroy a machine this run created when it fails"),
      flag(0, "adopt", options->adopt, "take over machines that a project of another name left here"),
  };
  command.options[0].completes = Completes::providers;
  command.options[3].completes = Completes::provisioners;
  command.run = [options](Session& session) { return up(session, *options); };
  return command;
}

}  // namespace envtool
