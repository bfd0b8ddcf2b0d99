#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

/// {0} is the box.
constexpr std::string_view envfile_template = R"(# vim: ft=yaml
# yaml-language-server: $schema=.envtool/schema.json

box: {0}

# cpus: 2
# memory: 2GiB

# Host port, then guest port; reached on 127.0.0.1.
# ports:
#   - "8080:80"

# Without this, the project's folder is /vagrant in the machine; [] shares nothing.
# folders:
#   - .:/vagrant
#   - ./src:/srv/app:ro

# In this order, each until it has succeeded once.
# provision:
#   - shell: apt-get update && apt-get install -y nginx
#   - ansible: site.yml

# Several machines instead of one; what stands above is the default for each.
# machines:
#   db: {{ready: [{{tcp: 5432}}]}}
#   web: {{count: 2, depends_on: [db]}}
)";

constexpr std::string_view default_box = "build:debian/bookworm";

/// Appends what is missing, so that a .gitignore of the user's stays as it is.
bool ignore_our_files(const fs::path& gitignore) {
  std::string text = read_file_if_there(gitignore).value_or("");
  const std::vector<std::string> present = split(text, '\n');
  std::string added;
  for (const char* line : {".envtool/", "Envfile.local"})
    if (std::find(present.begin(), present.end(), line) == present.end()) added += std::string(line) + "\n";
  if (added.empty()) return false;
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  write_file(gitignore, text + added);
  return true;
}

int init(Session& session, const std::string& box, bool force) {
  const fs::path directory = session.host.working_directory;
  const auto present = find_envfile(directory);
  if (present && present->parent_path() == directory && !force)
    throw Error(ErrorKind::usage, fmt::format("there is an Envfile already: '{}'", present->string()))
        .with_hint("'envtool init --force' overwrites it");
  const fs::path file = present && present->parent_path() == directory ? *present : directory / "Envfile";
  write_file(file, fmt::format(envfile_template, to_json(Value(box))));
  write_schema(session, directory);
  if (!fs::exists(directory / ".envtool" / ".gitignore"))
    write_file(directory / ".envtool" / ".gitignore", "*\n");
  const bool ignored = ignore_our_files(directory / ".gitignore");
  session.show(fmt::format("wrote {}{}; 'envtool up' brings it up\n", file.filename().string(),
                           ignored ? " and .gitignore" : ""),
               Value::map({{"file", file.string()}, {"box", box}}));
  return exit_code::done;
}

}  // namespace

Command init_command() {
  struct Options {
    std::string box{default_box};
    bool force = false;
  };
  const auto options = std::make_shared<Options>();
  return {.name = "init",
          .group = group::project,
          .summary = "write an Envfile to begin with",
          .description = "Also keeps envtool's own files out of git. An Envfile that is there already stays.",
          .examples = {"envtool init", "envtool init ./debian12.box"},
          .options = {flag(0, "force", options->force, "overwrite an Envfile that is there")},
          .arguments = {{.name = "BOX",
                         .help = fmt::format("what the machine is made of; {} when left out", default_box),
                         .set = [options](const std::string& text) { options->box = text; },
                         .completes = Completes::files}},
          .run = [options](Session& session) { return init(session, options->box, options->force); }};
}

}  // namespace envtool
