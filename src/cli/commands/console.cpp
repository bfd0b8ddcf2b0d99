#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/session.h"
#include "core/powers.h"

namespace envtool {

Command console_command() {
  const auto machine = std::make_shared<std::string>();
  return {.name = "console",
          .group = group::inside,
          .summary = "join this terminal to a machine's console",
          .description =
              "Ctrl-a q leaves it; Ctrl-a twice is one Ctrl-a for the guest. It needs neither network nor\n"
              "SSH. 'logs --console' shows what was written there before.",
          .arguments = {machine_argument(*machine)},
          .run = [machine](Session& session) {
            if (!session.console.input_is_terminal() || !session.console.output_is_terminal())
              throw Error(ErrorKind::usage, "a console needs a terminal on both sides")
                  .with_hint("'envtool logs --console' shows what was written there");
            const Session::MachineTarget target = session.open_one(*machine);
            session.say(fmt::format("the console of '{}'; Ctrl-a q leaves it", target.machine));
            Powers(target.engine).open_console(target.machine);
            return exit_code::done;
          }};
}

}  // namespace envtool
