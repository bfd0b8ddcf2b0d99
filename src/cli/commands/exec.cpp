#include "base/shell.h"
#include "cli/commands/commands.h"
#include "cli/commands/guest.h"

namespace envtool {

Command exec_command() {
  struct Options {
    std::string machine, user;
    std::vector<std::string> words;
  };
  const auto options = std::make_shared<Options>();
  return {
      .name = "exec",
      .group = group::inside,
      .summary = "run a program in a machine, its words as they are",
      .description =
          "No shell reads the words. Standard input, the terminal, the working directory (where it is\n"
          "shared) and the exit code are kept. Where the provider can without asking for a\n"
          "password, it needs no SSH.",
      .examples = {"envtool exec -- ls -l", "envtool exec db -u postgres -- psql < dump.sql"},
      .options = {text_option('u', "user", "USER", options->user, "as this user instead of the ssh user")},
      .arguments = {machine_argument(options->machine)},
      .rest = ArgumentRow{.name = "CMD...",
                          .help = "the program and its arguments",
                          .set = [options](const std::string& word) { options->words.push_back(word); },
                          .required = true,
                          .repeated = true},
      .run = [options](Session& session) {
        const Session::MachineTarget found = session.open_one(options->machine);
        const SshTarget target = found.engine.ssh_target(found.machine);
        if (Powers(found.engine).can_attach(found.machine))
          return attach_here(session, found.engine, target, {.argv = options->words, .user = options->user});
        std::vector<std::string> words = options->words;
        if (!options->user.empty()) words.insert(words.begin(), {"sudo", "-u", options->user, "--"});
        const auto directory = guest_directory(target.folders, session.host.working_directory);
        const std::string line = in_directory(directory, "exec " + quote_command(words));
        return session.host.processes.run_attached(
            {.argv = ssh_command_line(session, target, {.terminal = terminal_here(session), .line = line})});
      }};
}

}  // namespace envtool
