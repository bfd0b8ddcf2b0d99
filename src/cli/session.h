#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/command_line.h"
#include "cli/console.h"
#include "cli/exit_code.h"
#include "cli/style.h"
#include "config/load.h"
#include "core/engine.h"

namespace envtool {

/// What a command is run with. The project is read and the engine made when first asked for, so that
/// `version` pays for nothing.
class Session {
 public:
  Session(Host& host, const Services& services, Console& console, const GlobalOptions& options,
          const CommandLine& language, std::stop_token stop);
  ~Session();

  Host& host;
  const Services& services;
  Console& console;
  const GlobalOptions& options;
  const CommandLine& language;
  const std::stop_token stop;
  std::string command;  ///< the verb that runs
  Style style;          ///< of standard output

  /// The answer, for people or as data.
  void show(std::string_view text, const Value& value);
  void say(std::string_view sentence, Tone tone = Tone::plain) { host.reporter.say("", sentence, tone); }
  /// Asks yes or no, no being the default. Without a terminal: Error(usage) that names `--yes`.
  bool confirm(const std::string& question);

  /// The project of the working directory, or of `-f`. Throws as load_project does.
  const LoadedProject& project();
  EnvironmentStore& environments();
  /// Where boxes come from: as the project of the working directory says, if there is one that can be read,
  /// else as the user's own configuration says.
  SourcesConfig box_sources() const;

  /// The engine that these machine arguments are about, which lose their "@ENV/".
  struct Target {
    Engine& engine;
    std::vector<std::string> machines;
  };
  /// Reads the environment's own Envfile where it still is; `config_needed` makes a missing one an error.
  enum class Config { needed, if_there };
  Target open(const std::vector<std::string>& machines, Config config = Config::needed);
  /// One machine by argument, or the one that is meant.
  struct MachineTarget {
    Engine& engine;
    std::string machine;
  };
  MachineTarget open_one(const std::string& machine, Config config = Config::if_there);
  /// All machines that one argument means, or the one that is meant without any.
  struct GroupTarget {
    Engine& engine;
    std::vector<std::string> machines;
    bool is_group;  ///< a block or a glob was named, even one of a single machine
  };
  GroupTarget open_group(const std::string& machines);
  /// Set before `open` by `up --adopt`.
  bool adopt = false;
  /// The configuration that `open` used; null when there was none.
  const ProjectConfig* config() const { return loaded_ ? &loaded_->project : nullptr; }

  /// Tells how a command ended and gives its exit code; `done` and `unchanged` are said of each machine, and
  /// when all went well `last_words` has the last one.
  int finish(const Outcome& outcome, std::string_view done, std::string_view unchanged,
             const std::function<void()>& last_words = {});

 private:
  LoadOptions load_options() const;
  /// The project here. When it cannot be read, the error says how `if_there` does without.
  const LoadedProject& project_here(Config config);
  std::string reference_here();
  Engine& make_engine(std::optional<Environment> environment);
  Engine& open_environment(const std::string& reference, Config config);

  std::optional<LoadedProject> loaded_;
  std::optional<EnvironmentStore> environments_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace envtool
