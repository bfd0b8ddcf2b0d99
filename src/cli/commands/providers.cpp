#include <fmt/format.h>

#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"

namespace envtool {

namespace {

/// Nothing when it can be used here, else why not.
std::optional<Error> problem_with(Session& session, const std::string& provider) {
  Operation operation{session.host, "", session.stop};
  try {
    session.services.providers.make(provider, session.host)->check_host({}, operation);
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

int providers(Session& session) {
  const Style& style = session.style;
  std::string text;
  Value list = Value::list();
  for (const ProviderInfo& info : session.services.providers.infos()) {
    const auto problem = problem_with(session, info.name);
    std::vector<std::string> capabilities;
    Value names = Value::list();
    for (const Capability capability : info.capabilities) {
      capabilities.emplace_back(to_string(capability));
      names.push_back(to_string(capability));
    }
    text += fmt::format("{}  {}\n", style.bold(info.name), info.summary);
    text += table({{"usable", problem ? style.yellow("no: ") + problem->what() : style.green("yes")},
                   {"boxes", join(info.box_formats, ", ")},
                   {"can", join(capabilities, ", ")}},
                  "  ");
    Value entry =
        Value::map({{"name", info.name}, {"summary", info.summary}, {"built", true}, {"usable", !problem}});
    if (problem) entry.set("reason", problem->what());
    Value formats = Value::list();
    for (const std::string& format : info.box_formats) formats.push_back(format);
    list.push_back(entry.set("box_formats", formats).set("capabilities", names));
  }
  for (const auto& [name, reason] : session.services.providers.left_out()) {
    text += fmt::format("{}  not built into this envtool: {}\n", style.bold(name), reason);
    list.push_back(Value::map({{"name", name}, {"built", false}, {"usable", false}, {"reason", reason}}));
  }
  session.show(text, Value::map({{"providers", list}}));
  return exit_code::done;
}

}  // namespace

Command providers_command() {
  return {.name = "providers",
          .group = group::tool,
          .summary = "show what machines can run on, and what each can do",
          .description = "'envtool doctor' tells how to make one usable.",
          .run = providers};
}

}  // namespace envtool
