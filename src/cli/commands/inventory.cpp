#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command inventory_command() {
  return {.name = "inventory",
          .group = group::look,
          .summary = "print the Ansible inventory of all running machines",
          .description = "The same is kept in .envtool/inventory.yml.",
          .examples = {"ansible -i .envtool/inventory.yml all -m ping"},
          .run = [](Session& session) {
            const std::string text = session.open({}).engine.inventory();
            session.show(text, parse_json(text, "inventory"));
            return exit_code::done;
          }};
}

}  // namespace envtool
