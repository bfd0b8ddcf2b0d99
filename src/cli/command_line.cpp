#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text.h"

namespace envtool {

namespace {

Error usage(std::string text, std::string hint) {
  return std::move(Error(ErrorKind::usage, std::move(text)).with_hint(std::move(hint)));
}

int whole_number(const std::string& name, const std::string& text, std::pair<int, int> range) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || number < range.first ||
      number > range.second)
    throw Error(ErrorKind::usage, fmt::format("'--{}' wants a whole number from {} to {}, not '{}'", name,
                                              range.first, range.second, text));
  return number;
}

std::vector<OptionRow> global_options(GlobalOptions& to) {
  const auto add_param = [&to](const std::string& text) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0)
      throw usage(fmt::format("'--param' wants NAME=VALUE, not '{}'", text), "");
    to.params[text.substr(0, equals)] = text.substr(equals + 1);
  };
  const auto set_wait = [&to](const std::string& text) {
    to.wait = true;
    to.wait_seconds = text.empty() ? 0 : whole_number("wait", text, {1, 1'000'000});
  };
  std::vector<OptionRow> rows = {
      text_option('C', "directory", "DIR", to.directory, "work as if started in DIR"),
      list_option('f', "file", "FILE", to.files,
                  "read exactly this Envfile; again: one more over it; - is standard input"),
      {.name = "param", .value = "K=V", .help = "set a param of the Envfile", .set = add_param},
      flag(0, "json", to.json, "print JSON for programs"),
      flag('q', "quiet", to.quiet, "print errors, warnings and what was asked for only"),
      flag('v', "verbose", to.verbose, "say more"),
      flag(0, "timestamps", to.timestamps, "put the time before every line"),
      flag(0, "no-color", to.no_color, "no colours; NO_COLOR does the same"),
      flag('y', "yes", to.yes, "answer every question with yes"),
      {.name = "wait",
       .value = "SECONDS",
       .help = "wait when another envtool works on a machine",
       .set = set_wait,
       .value_optional = true},
      flag(0, "trust", to.trust, "accept an Envfile that belongs to another user"),
      flag('h', "help", to.help, "show help"),
      flag(0, "version", to.version, "show the version"),
  };
  rows[0].completes = Completes::directories;
  rows[1].completes = Completes::files;
  return rows;
}

const OptionRow* find_row(const std::vector<OptionRow>& rows, const std::string& word) {
  for (const OptionRow& row : rows)
    if (word.size() == 1 ? row.letter == word[0] : row.name == word) return &row;
  return nullptr;
}

bool takes_next_word(const OptionRow& row) { return !row.value.empty() && !row.value_optional; }

void add_options(CLI::App& app, const std::vector<OptionRow>& rows) {
  for (const OptionRow& row : rows) {
    const auto set = [&row](const CLI::results_t& results) {
      const std::string& value = results.front();
      if (takes_next_word(row)) return row.set(value), true;
      const bool has_value = value != "true";  // what CLI11 gives for a flag that stands alone
      if (has_value && row.value.empty()) throw usage(fmt::format("'--{}' takes no value", row.name), "");
      return row.set(has_value ? value : ""), true;
    };
    app.add_option(row.letter ? fmt::format("-{},--{}", row.letter, row.name) : "--" + row.name,
                   CLI::callback_t(set))
        ->expected(takes_next_word(row) ? 1 : 0)
        // At once and each time, so that the order of the words counts.
        ->trigger_on_parse();
  }
}

/// "--name=" as "--name" and "": CLI11 2.1 would take the next word for the empty value.
std::vector<std::string> with_empty_values(const CLI::App& app, const std::vector<std::string>& words) {
  std::vector<std::string> spelt;
  const auto dashes = std::find(words.begin(), words.end(), "--");
  for (auto word = words.begin(); word != words.end(); ++word) {
    spelt.push_back(*word);
    if (word >= dashes || !word->starts_with("--") || !word->ends_with('=')) continue;
    const std::string name = word->substr(0, word->size() - 1);
    const CLI::Option* option = app.get_option_no_throw(name);
    if (option == nullptr || option->get_expected_min() == 0) continue;
    spelt.back() = name;
    spelt.emplace_back();
  }
  return spelt;
}

bool looks_like_option(const std::string& word) { return word.size() > 1 && word[0] == '-'; }

}  // namespace

OptionRow flag(char letter, std::string name, bool& target, std::string help) {
  return {.letter = letter,
          .name = std::move(name),
          .help = std::move(help),
          .set = [&target](const std::string&) { target = true; }};
}

OptionRow text_option(char letter, std::string name, std::string value, std::string& target,
                      std::string help) {
  return {.letter = letter,
          .name = std::move(name),
          .value = std::move(value),
          .help = std::move(help),
          .set = [&target](const std::string& text) { target = text; }};
}

OptionRow list_option(char letter, std::string name, std::string value, std::vector<std::string>& target,
                      std::string help) {
  return {.letter = letter,
          .name = std::move(name),
          .value = std::move(value),
          .help = std::move(help),
          .set = [&target](const std::string& text) { target.push_back(text); }};
}

OptionRow number_option(char letter, std::string name, std::string value, int& target,
                        std::pair<int, int> range, std::string help) {
  const auto set = [&target, name, range](const std::string& text) {
    target = whole_number(name, text, range);
  };
  return {.letter = letter,
          .name = std::move(name),
          .value = std::move(value),
          .help = std::move(help),
          .set = set};
}

ArgumentRow machine_arguments(std::vector<std::string>& target) {
  return {.name = "MACHINE",
          .help = "a machine, a block with a count, or a quoted glob; @ENV/MACHINE for another project's",
          .set = [&target](const std::string& text) { target.push_back(text); },
          .repeated = true,
          .completes = Completes::machines};
}

ArgumentRow machine_argument(std::string& target) {
  return {.name = "MACHINE",
          .help = "the machine; when left out, the only or the primary one",
          .set = [&target](const std::string& text) { target = text; },
          .completes = Completes::machines};
}

std::string usage_line(const Command& command) {
  std::string line = "envtool " + command.name;
  if (!command.options.empty()) line += " [OPTIONS]";
  for (const ArgumentRow& argument : command.arguments) {
    const std::string name = argument.name + (argument.repeated ? "..." : "");
    line += argument.required ? " " + name : fmt::format(" [{}]", name);
  }
  if (command.rest)
    line +=
        command.rest->required ? " -- " + command.rest->name : fmt::format(" [-- {}]", command.rest->name);
  return line;
}

CommandLine::CommandLine(std::vector<Command> commands, GlobalOptions& globals)
    : commands_(std::move(commands)), globals_(global_options(globals)), targets_(globals) {}

const Command* CommandLine::find(const std::string& name) const {
  for (const Command& command : commands_)
    if (command.name == name) return &command;
  return nullptr;
}

const OptionRow* CommandLine::find_option(const Command* command, const std::string& word) const {
  const OptionRow* row = command ? find_row(command->options, word) : nullptr;
  return row ? row : find_row(globals_, word);
}

void CommandLine::unknown_option(const std::string& written, const Command* command) const {
  const std::string word =
      written.starts_with("--") ? written.substr(0, written.find('=')) : written.substr(0, 2);
  std::vector<std::string> known;
  for (const OptionRow& row : globals_) known.push_back("--" + row.name);
  if (command)
    for (const OptionRow& row : command->options) known.push_back("--" + row.name);
  if (!command)
    for (const Command& other : commands_)
      if (find_row(other.options, word.substr(word.find_first_not_of('-'))))
        throw usage(fmt::format("'{}' is an option of '{}'", word, other.name), "put it behind the command");
  std::string hint = did_you_mean(word, known);
  if (hint.empty()) hint = fmt::format("'envtool{} --help' lists them", command ? " " + command->name : "");
  throw usage(command ? fmt::format("'{}' has no option '{}'", command->name, word)
                      : fmt::format("no option '{}'", word),
              hint);
}

std::vector<std::string> CommandLine::read_options(const Command* command,
                                                   const std::vector<std::string>& words) const {
  CLI::App app;
  app.set_help_flag();
  // Before the command, the first word that is no option ends it; behind it, options and words mix.
  app.allow_extras(command != nullptr)->prefix_command(command == nullptr);
  // Behind a command its own option of that name is meant.
  std::vector<OptionRow> globals = globals_;
  if (command)
    std::erase_if(globals, [&](const OptionRow& row) { return find_row(command->options, row.name); });
  add_options(app, globals);
  if (command) add_options(app, command->options);
  std::vector<std::string> backwards = with_empty_values(app, words);
  std::reverse(backwards.begin(), backwards.end());
  try {
    app.parse(std::move(backwards));
  } catch (const CLI::ParseError& error) {
    // The one mistake that is left to CLI11: "--jobs: 1 required TEXT missing".
    const std::string text = error.what();
    const OptionRow* row = find_option(command, text.substr(2, text.find(':') - 2));
    if (row == nullptr) throw Error(ErrorKind::usage, text);
    throw usage(fmt::format("'--{0}' needs a value: --{0} {1}", row->name, row->value), "");
  }
  return app.remaining();
}

const ArgumentRow* argument_at(const Command& command, std::size_t index) {
  if (index < command.arguments.size()) return &command.arguments[index];
  for (const ArgumentRow& row : command.arguments)
    if (row.repeated) return &row;
  return nullptr;
}

void CommandLine::read_argument(const std::string& word, const Command& command, size_t index) {
  if (const ArgumentRow* row = argument_at(command, index)) return row->set(word);
  const std::string hint =
      command.rest ? fmt::format("{} belongs behind '--': {}", command.rest->name, usage_line(command))
                   : "usage: " + usage_line(command);
  throw usage(fmt::format("'{}' does not know what to do with '{}'", command.name, word), hint);
}

const Command& CommandLine::require_command(const std::string& word) const {
  if (const Command* command = find(word)) return *command;
  std::vector<std::string> known;
  for (const Command& command : commands_)
    if (!command.group.empty()) known.push_back(command.name);
  const std::string guess = did_you_mean(word, known);
  throw usage(fmt::format("no command '{}'", word),
              guess.empty() ? "'envtool --help' lists all commands" : guess);
}

std::vector<std::string> CommandLine::family(const std::string& word) const {
  std::vector<std::string> seconds;
  for (const Command& command : commands_)
    if (command.name.starts_with(word + " ")) seconds.push_back(command.name.substr(word.size() + 1));
  return seconds;
}

void CommandLine::incomplete(const std::string& family_name) const {
  throw usage(fmt::format("'{}' needs to know what to do: {}", family_name, join(family(family_name), ", ")),
              fmt::format("'envtool {} {} --help' explains one", family_name, family(family_name).front()));
}

const Command* CommandLine::parse(const std::vector<std::string>& words) {
  std::vector<std::string> left = read_options(nullptr, words);
  if (left.empty()) return nullptr;
  if (looks_like_option(left.front())) unknown_option(left.front(), nullptr);
  if (const std::string first = left.front(); !family(first).empty()) {
    left = read_options(nullptr, {left.begin() + 1, left.end()});
    if (left.empty() && targets_.help) return nullptr;
    if (left.empty() || looks_like_option(left.front())) incomplete(first);
    left.front() = first + " " + left.front();
  }
  const Command& command = require_command(left.front());
  left = read_options(&command, {left.begin() + 1, left.end()});
  size_t arguments = 0, rest = 0;
  bool behind_dashes = false;
  for (const std::string& word : left) {
    if (behind_dashes && command.rest) {
      command.rest->set(word);
      ++rest;
    } else if (!behind_dashes && word == "--") {
      behind_dashes = true;
    } else if (!behind_dashes && looks_like_option(word)) {
      unknown_option(word, &command);
    } else {
      read_argument(word, command, arguments++);
    }
  }
  if (!targets_.help) check_required(command, arguments, rest);
  return &command;
}

void CommandLine::check_required(const Command& command, size_t arguments, size_t rest) const {
  for (size_t i = 0; i < command.arguments.size(); ++i)
    if (command.arguments[i].required && arguments <= i)
      throw usage(fmt::format("'{}' needs {}", command.name, command.arguments[i].name),
                  "usage: " + usage_line(command));
  if (command.rest && command.rest->required && rest == 0)
    throw usage(fmt::format("'{}' needs {} behind '--'", command.name, command.rest->name),
                "usage: " + usage_line(command));
}

}  // namespace envtool
