#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace envtool {

class Session;

/// What a word on the command line may be, for shell completion.
enum class Completes {
  nothing,
  machines,
  boxes,
  files,
  directories,
  providers,
  provisioners,
  shells,
  snapshots
};

/// One option, as the parser, the help page and shell completion see it.
struct OptionRow {
  char letter = 0;    ///< 'y' for `-y`; 0: none
  std::string name;   ///< "yes" for `--yes`
  std::string value;  ///< "SECONDS" in the help page; empty: the option takes no value
  std::string help;
  /// Gets the value ("" without one). Throws Error(usage) when it makes no sense.
  std::function<void(const std::string&)> set;
  bool value_optional = false;  ///< a value only as `--name=VALUE`
  Completes completes = Completes::nothing;
};

/// A word that is no option.
struct ArgumentRow {
  std::string name;  ///< "MACHINE"
  std::string help;
  std::function<void(const std::string&)> set;
  bool required = false;
  bool repeated = false;
  Completes completes = Completes::nothing;
};

/// A verb. Everything help and completion say comes from here.
struct Command {
  std::string name;         ///< "up", or "box add" where several commands are one family
  std::string group;        ///< a heading of `envtool --help`; empty: hidden
  std::string summary;      ///< one line, no full stop
  std::string description;  ///< paragraphs for its own page, lines of at most 80 columns
  std::vector<std::string> examples = {};
  std::vector<OptionRow> options = {};
  std::vector<ArgumentRow> arguments = {};
  std::optional<ArgumentRow> rest = {};  ///< what stands after `--`
  bool event_stream = false;             ///< `--json` gives one object a line
  /// Gives the exit code.
  std::function<int(Session&)> run = {};
};

OptionRow flag(char letter, std::string name, bool& target, std::string help);
OptionRow text_option(char letter, std::string name, std::string value, std::string& target,
                      std::string help);
OptionRow list_option(char letter, std::string name, std::string value, std::vector<std::string>& target,
                      std::string help);
/// A whole number between the two.
OptionRow number_option(char letter, std::string name, std::string value, int& target,
                        std::pair<int, int> range, std::string help);
/// `MACHINE...`: names, blocks, globs.
ArgumentRow machine_arguments(std::vector<std::string>& target);
/// `[MACHINE]`.
ArgumentRow machine_argument(std::string& target);

}  // namespace envtool
