#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"

namespace envtool {

namespace {

/// One number, for `$(envtool port --guest 80)`: of TCP where that is forwarded too.
std::string host_port(const std::vector<Forward>& forwards) {
  const auto tcp = std::find_if(forwards.begin(), forwards.end(),
                                [](const Forward& forward) { return forward.protocol == Protocol::tcp; });
  return fmt::format("{}\n", (tcp == forwards.end() ? forwards.front() : *tcp).host);
}

/// The machine's forwards, to that guest port unless it is 0, where there must be one.
std::vector<Forward> forwards_of(const MachineStatus& status, int guest) {
  std::vector<Forward> forwards = status.forwards;
  if (guest == 0) return forwards;
  std::erase_if(forwards, [&](const Forward& forward) { return forward.guest != guest; });
  if (!forwards.empty()) return forwards;
  throw Error(ErrorKind::failed,
              fmt::format("no host port leads to port {} of machine '{}'", guest, status.name))
      .with_hint(status.phase == MachinePhase::running ? ""
                                                       : fmt::format("it is {}", to_string(status.phase)));
}

int port(Session& session, const std::string& name, int guest) {
  const Session::GroupTarget target = session.open_group(name);
  Value machines = Value::list();
  std::string text;
  for (const MachineStatus& status : target.engine.status(target.machines)) {
    const std::vector<Forward> forwards = forwards_of(status, guest);
    if (forwards.empty())
      session.say(fmt::format("no host port leads into '{}'{}", status.name,
                              status.phase == MachinePhase::running
                                  ? ""
                                  : fmt::format(", which is {}", to_string(status.phase))));
    Value list = Value::list();
    for (const Forward& forward : forwards) {
      list.push_back(to_value(forward));
      if (guest == 0) text += (target.is_group ? status.name + "  " : "") + to_text(forward) + "\n";
    }
    if (guest != 0) text += host_port(forwards);
    machines.push_back(Value::map({{"machine", status.name}, {"ports", list}}));
  }
  session.show(text, target.is_group ? Value::map({{"machines", machines}}) : machines.items().front());
  return exit_code::done;
}

}  // namespace

Command port_command() {
  struct Options {
    std::string machine;
    int guest = 0;
  };
  const auto options = std::make_shared<Options>();
  return {.name = "port",
          .group = group::look,
          .summary = "show which host ports lead into a machine",
          .description = "A block or a glob means all of its machines.",
          .examples = {"envtool port web", "curl localhost:$(envtool port --guest 80)"},
          .options = {number_option(0, "guest", "N", options->guest, {1, 65535},
                                    "print only the host port for this guest port")},
          .arguments = {machine_argument(options->machine)},
          .run = [options](Session& session) { return port(session, options->machine, options->guest); }};
}

}  // namespace envtool
