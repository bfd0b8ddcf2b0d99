#include "cli/help.h"

#include <fmt/format.h>

namespace envtool {

namespace {

std::string option_words(const OptionRow& row) {
  std::string words =
      row.letter ? fmt::format("-{}, --{}", row.letter, row.name) : fmt::format("    --{}", row.name);
  if (row.value.empty()) return words;
  return words + (row.value_optional ? fmt::format("[={}]", row.value) : " " + row.value);
}

std::string heading(std::string_view text, const Style& style) { return "\n" + style.bold(text) + "\n"; }

std::string option_list(const std::vector<OptionRow>& options) {
  std::vector<std::vector<std::string>> rows;
  for (const OptionRow& row : options) rows.push_back({option_words(row), row.help});
  return table(rows, "  ");
}

}  // namespace

std::string short_help(const Style& style) {
  return style.bold("envtool") + " brings up the machines that an Envfile describes\n\n" +
         table({{"envtool init", "write an Envfile here"},
                {"envtool up", "create, start and provision its machines"},
                {"envtool ssh", "go into one"},
                {"envtool status", "see what there is"},
                {"envtool destroy", "remove them"}},
               "  ") +
         "\n'envtool --help' lists all commands, 'envtool COMMAND --help' explains one\n";
}

std::string overview_page(const CommandLine& language, const Style& style) {
  std::string page = style.bold("usage:") + " envtool [OPTIONS] COMMAND [MACHINE...]\n";
  std::vector<std::string> groups;
  for (const Command& command : language.commands())
    if (!command.group.empty() && std::find(groups.begin(), groups.end(), command.group) == groups.end())
      groups.push_back(command.group);
  for (const std::string& group : groups) {
    std::vector<std::vector<std::string>> rows;
    for (const Command& command : language.commands())
      if (command.group == group) rows.push_back({fmt::format("{:<10}", command.name), command.summary});
    page += heading(group, style) + table(rows, "  ");
  }
  page += heading("options, before or behind the command", style) + option_list(language.globals());
  return page + "\n'envtool COMMAND --help' explains a command\n";
}

std::string command_page(const Command& command, const Style& style) {
  std::string page = style.bold("usage:") + " " + usage_line(command) + "\n\n" + command.summary + "\n";
  if (!command.description.empty()) page += "\n" + command.description + "\n";
  std::vector<std::vector<std::string>> arguments;
  for (const ArgumentRow& argument : command.arguments) arguments.push_back({argument.name, argument.help});
  if (command.rest) arguments.push_back({"-- " + command.rest->name, command.rest->help});
  if (!arguments.empty()) page += heading("arguments", style) + table(arguments, "  ");
  if (!command.options.empty()) page += heading("options", style) + option_list(command.options);
  if (!command.examples.empty()) page += heading("examples", style);
  for (const std::string& example : command.examples) page += "  " + example + "\n";
  return page + "\n'envtool --help' lists the options that every command takes\n";
}

}  // namespace envtool
