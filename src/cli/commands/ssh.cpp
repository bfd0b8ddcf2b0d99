#include "cli/commands/commands.h"
#include "cli/commands/guest.h"

namespace envtool {

namespace {

struct Options {
  std::string machine, command;
  std::vector<std::string> extra;
  bool has_command = false, attach = false;
};

int ssh(Session& session, const Options& options) {
  const Session::MachineTarget found = session.open_one(options.machine);
  const SshTarget target = found.engine.ssh_target(found.machine);
  if (options.attach) {
    if (!options.extra.empty()) throw Error(ErrorKind::usage, "'--attach' takes no arguments for ssh");
    return attach_here(session, found.engine, target, {.script = options.command});
  }
  const auto directory = guest_directory(target.folders, session.host.working_directory);
  if (options.has_command)
    return session.host.processes.run_attached(
        {.argv = ssh_command_line(session, target,
                                  {.terminal = terminal_here(session),
                                   .extra = options.extra,
                                   .line = in_directory(directory, options.command)})});
  // Without a directory to go to, sshd's own way into a login shell is the better one.
  const std::string shell = directory ? in_directory(directory, "exec \"${SHELL:-/bin/sh}\" -l") : "";
  const Terminal terminal =
      directory && session.console.input_is_terminal() ? Terminal::allocate : Terminal::as_ssh_likes;
  return session.host.processes.run_attached(
      {.argv =
           ssh_command_line(session, target, {.terminal = terminal, .extra = options.extra, .line = shell})});
}

}  // namespace

Command ssh_command() {
  const auto options = std::make_shared<Options>();
  const auto set_command = [options](const std::string& text) {
    options->command = text;
    options->has_command = true;
  };
  return {.name = "ssh",
          .group = group::inside,
          .summary = "open a shell in a machine, or run a command there",
          .description =
              "Lands in the folder that corresponds to the working directory, where one is shared. The exit\n"
              "code is the guest's.",
          .examples = {"envtool ssh", "envtool ssh web -c 'systemctl status nginx'",
                       "envtool ssh db -- -L 5432:localhost:5432",
                       "envtool ssh --attach     when its sshd is broken"},
          .options = {flag(0, "attach", options->attach, "without SSH, by the provider's own way in"),
                      {.letter = 'c',
                       .name = "command",
                       .value = "CMD",
                       .help = "run this in the guest's shell instead",
                       .set = set_command}},
          .arguments = {machine_argument(options->machine)},
          .rest = ArgumentRow{.name = "SSH-ARGUMENTS",
                              .help = "for ssh, as they are",
                              .set = [options](const std::string& word) { options->extra.push_back(word); },
                              .repeated = true},
          .run = [options](Session& session) { return ssh(session, *options); }};
}

}  // namespace envtool
