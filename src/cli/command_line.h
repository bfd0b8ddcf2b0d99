#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/command.h"

namespace envtool {

/// What stands before or after any command.
struct GlobalOptions {
  std::string directory;
  std::vector<std::string> files;
  std::map<std::string, std::string> params;
  bool json = false, no_color = false, quiet = false, verbose = false, timestamps = false, yes = false,
       trust = false;
  bool wait = false;
  int wait_seconds = 0;  ///< with `wait`; 0: as long as it takes
  bool help = false, version = false;
};

/// The whole language of the command line: all commands and the global options, bound to their targets.
class CommandLine {
 public:
  CommandLine(std::vector<Command> commands, GlobalOptions& globals);

  /// Reads the words behind the program's name into the targets. Null when no command is named.
  /// Throws Error(usage), with the nearest known word as the hint.
  const Command* parse(const std::vector<std::string>& words);

  const std::vector<Command>& commands() const { return commands_; }
  const std::vector<OptionRow>& globals() const { return globals_; }
  const Command* find(const std::string& name) const;
  /// The second words that the first may have: "box" has "add", "list"...; most have none.
  std::vector<std::string> family(const std::string& word) const;
  /// The option of that name or letter, of the command (may be null) or of all.
  const OptionRow* find_option(const Command* command, const std::string& word) const;

 private:
  /// Sets the options among the words and gives the others, in order: before a command (null), all from the
  /// first on as they are; behind it, with "--" and what stands there as it is.
  std::vector<std::string> read_options(const Command* command, const std::vector<std::string>& words) const;
  void read_argument(const std::string& word, const Command& command, size_t index);
  const Command& require_command(const std::string& word) const;
  [[noreturn]] void incomplete(const std::string& family) const;
  void check_required(const Command& command, size_t arguments, size_t rest) const;
  [[noreturn]] void unknown_option(const std::string& written, const Command* command) const;

  std::vector<Command> commands_;
  std::vector<OptionRow> globals_;
  const GlobalOptions& targets_;
};

/// The row that the argument of that index fills, counted from 0; null when there are too many.
const ArgumentRow* argument_at(const Command& command, std::size_t index);

/// "envtool up [OPTIONS] [MACHINE...]"
std::string usage_line(const Command& command);

}  // namespace envtool
