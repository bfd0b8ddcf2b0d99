#include "base/files.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"

namespace envtool {

namespace fs = std::filesystem;

Value schema_of(const Session& session) {
  return envfile_schema(plugin_schemas(session.services.providers, session.services.provisioners));
}

void write_schema(const Session& session, const fs::path& project) {
  write_file(project / ".envtool" / "schema.json", to_json(schema_of(session), 2) + "\n");
}

Command schema_command() {
  return {.name = "schema",
          .group = group::project,
          .summary = "print the JSON Schema of the Envfile, for editors",
          .description = "It is made from the tables that also validate, so both always agree.",
          .examples = {"envtool schema > envfile.schema.json"},
          .run = [](Session& session) {
            const Value schema = schema_of(session);
            session.show(to_json(schema, 2) + "\n", schema);
            return exit_code::done;
          }};
}

}  // namespace envtool
