#include "cli/commands/commands.h"
#include "cli/session.h"

namespace envtool {

Command schema_command() {
  return {.name = "schema",
          .group = group::project,
          .summary = "print the JSON Schema of the Envfile, for editors",
          .description = "It is made from the tables that also validate, so both always agree.",
          .examples = {"envtool schema > envfile.schema.json"},
          .run = [](Session& session) {
            const Value schema =
                envfile_schema(plugin_schemas(session.services.providers, session.services.provisioners));
            session.show(to_json(schema, 2) + "\n", schema);
            return exit_code::done;
          }};
}

}  // namespace envtool
