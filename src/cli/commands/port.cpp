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

int port(Session& session, const std::string& name, int guest) {
  const Session::MachineTarget target = session.open_one(name);
  const MachineStatus status = target.engine.status({target.machine}).front();
  std::vector<Forward> forwards = status.forwards;
  if (guest != 0) std::erase_if(forwards, [&](const Forward& forward) { return forward.guest != guest; });
  if (guest != 0 && forwards.empty())
    throw Error(ErrorKind::failed,
                fmt::format("no host port leads to port {} of machine '{}'", guest, target.machine))
        .with_hint(status.phase == MachinePhase::running ? ""
                                                         : fmt::format("it is {}", to_string(status.phase)));
  Value list = Value::list();
  std::string text;
  for (const Forward& forward : forwards) {
    list.push_back(to_value(forward));
    text += to_text(forward) + "\n";
  }
  session.show(guest != 0 ? host_port(forwards) : text,
               Value::map({{"machine", target.machine}, {"ports", list}}));
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
          .examples = {"envtool port web", "curl localhost:$(envtool port --guest 80)"},
          .options = {number_option(0, "guest", "N", options->guest, {1, 65535},
                                    "print only the host port for this guest port")},
          .arguments = {machine_argument(options->machine)},
          .run = [options](Session& session) { return port(session, options->machine, options->guest); }};
}

}  // namespace envtool
