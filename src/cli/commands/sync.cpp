#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

namespace {

struct Options {
  std::vector<std::string> machines;
  bool watch = false;
};

int sync(Session& session, const Options& options) {
  const Session::Target target = session.open(options.machines);
  const auto names = target.engine.select(target.machines, false);
  const auto push = [&] { return session.finish(target.engine.sync(names), "is in sync", ""); };
  if (!options.watch) return push();
  // From before the first push on, so that no change is lost between the two.
  const auto watch = target.engine.watch(names);
  for (;;) {
    push();
    watch->wait(session.stop);
  }
}

}  // namespace

Command sync_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "sync",
          .group = group::inside,
          .summary = "push the folders that are copied into machines",
          .description =
              "Folders of types rsync and sftp. Those that a machine shares with the host need none of it.",
          .examples = {"envtool sync web", "envtool sync --watch    until Ctrl-C"},
          .options = {flag(0, "watch", options->watch, "again whenever something changes, until Ctrl-C")},
          .arguments = {machine_arguments(options->machines)},
          .event_stream = true,
          .run = [options](Session& session) { return sync(session, *options); }};
}

}  // namespace envtool
