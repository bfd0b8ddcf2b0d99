#include "config/sample.h"

#include "places.h"

namespace envtool::test {

namespace {

PluginSchema shell() {
  return {.name = "shell",
          .options = {{.name = "inline", .summary = "a program", .script = true},
                      {.name = "path", .type = OptionType::path, .summary = "a file with a program"},
                      {.name = "args", .type = OptionType::text_list, .late = true},
                      {.name = "env", .type = OptionType::text_map, .secrets = true},
                      {.name = "user", .fallback = "root"},
                      {.name = "dir"},
                      {.name = "sha256"}},
          .shorthand = "inline"};
}

PluginSchema file() {
  return {.name = "file",
          .options = {{.name = "source", .type = OptionType::path, .required = true},
                      {.name = "destination", .required = true},
                      {.name = "owner"},
                      {.name = "mode"}},
          .default_run = "changed"};
}

PluginSchema ansible(const std::string& name) {
  return {.name = name,
          .options = {{.name = "playbook", .type = OptionType::path, .required = true},
                      {.name = "extra_vars", .type = OptionType::map, .secrets = true},
                      {.name = "tags", .type = OptionType::text_list},
                      {.name = "limit"},
                      {.name = "vault", .type = OptionType::text_map, .secrets = true}},
          .shorthand = "playbook",
          .default_run = "changed"};
}

}  // namespace

PluginSchemas sample_plugins() {
  PluginSchema lxc{.name = "lxc",
                   .options = {{.name = "unprivileged", .type = OptionType::boolean, .fallback = true},
                               {.name = "storage", .choices = {"overlay", "dir"}},
                               {.name = "config", .type = OptionType::any}}};
  PluginSchema libvirt{.name = "libvirt", .options = {{.name = "uri"}, {.name = "cpu"}}};
  PluginSchema virtualbox{.name = "virtualbox",
                          .options = {{.name = "linked_clone", .type = OptionType::boolean},
                                      {.name = "vram", .type = OptionType::size},
                                      {.name = "customize", .type = OptionType::list, .late = true}}};
  return {{lxc, libvirt, virtualbox}, {shell(), file(), ansible("ansible"), ansible("ansible_local")}};
}

LoadOptions options_for(const std::string& text) {
  return {.working_directory = "/project",
          .files = {"-"},
          .standard_input = text,
          .environment = {{"USER_NAME", "ada"}, {"EMPTY", ""}, {"PORT", "9000"}, {"DOLLAR", "a$${b"}},
          .home = "/home/ada",
          .plugins = sample_plugins(),
          .tool_version = "0.1.0",
          .host_cpus = 8,
          .host_memory = ByteSize{16ull << 30},
          .user = "ada",
          .architecture = "amd64"};
}

LoadedProject load_text(const std::string& text) { return load_project(options_for(text)); }

std::string problems_of(const LoadOptions& options) {
  try {
    load_project(options);
    return {};
  } catch (const Error& error) {
    return error.render();
  }
}

std::string problems_of(const std::string& text) { return problems_of(options_for(text)); }

MachineConfig machine_of(const std::string& text) { return load_text(text).project.machines.at(0); }

std::filesystem::path data_directory() { return source_directory / "tests/data/config"; }

}  // namespace envtool::test
