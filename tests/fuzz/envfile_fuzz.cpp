#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "config/load.h"

/// Any bytes as an Envfile: an Error or a project, whose document reads back to the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace envtool;
  LoadOptions options{
      .working_directory = "/project",
      .files = {"-"},
      .standard_input = std::string(reinterpret_cast<const char*>(data), size),
      .environment = {{"NAME", "value"}},
      .home = "/home/user",
      .plugins = {{{.name = "lxc", .options = {{.name = "config", .type = OptionType::any}}}},
                  {{.name = "shell",
                    .options = {{.name = "inline", .script = true},
                                {.name = "args", .type = OptionType::text_list, .late = true},
                                {.name = "env", .type = OptionType::text_map, .secrets = true}},
                    .shorthand = "inline"}}},
      .tool_version = "0.1.0"};
  std::string shown;
  try {
    shown = render_document(load_project(options).document, true);
  } catch (const Error& error) {
    if (error.render().empty()) std::abort();
    return 0;
  }
  // Blocks are shown as the machines they became, so names of blocks in other places mean nothing any more.
  if (options.standard_input.find("count") != std::string::npos) return 0;
  options.standard_input = shown;
  if (render_document(load_project(options).document, false).empty()) std::abort();
  return 0;
}
