#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

namespace {

struct Options {
  std::string machine;
  int lines = 100;
  bool console = false;
};

int logs(Session& session, const Options& options) {
  const Session::MachineTarget target = session.open_one(options.machine);
  const auto lines = static_cast<std::size_t>(options.lines);
  std::string text;
  if (options.console)
    text = target.engine.console_tail(target.machine, lines);
  else if (const auto& environment = target.engine.environment())
    text =
        last_lines(read_file_if_there(MachineStore(*environment, target.machine).log()).value_or(""), lines);
  if (text.empty())
    session.say(options.console
                    ? fmt::format("machine '{}' has written nothing on its console", target.machine)
                    : fmt::format("nothing was done to machine '{0}' yet; 'envtool up {0}' makes it",
                                  target.machine));
  session.show(text.empty() ? "" : text + "\n", Value::map({{"machine", target.machine}, {"log", text}}));
  return exit_code::done;
}

}  // namespace

Command logs_command() {
  const auto options = std::make_shared<Options>();
  return {.name = "logs",
          .group = group::inside,
          .summary = "show what envtool did to a machine, or its console",
          .options = {number_option('n', "lines", "N", options->lines, {1, 1'000'000},
                                    "the last N lines; 100 when left out"),
                      flag(0, "console", options->console, "what the guest wrote on its console instead")},
          .arguments = {machine_argument(options->machine)},
          .run = [options](Session& session) { return logs(session, *options); }};
}

}  // namespace envtool
