#include "cli/app.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/files.h"
#include "cli/commands/commands.h"
#include "cli/help.h"
#include "cli/reporter_json.h"
#include "cli/reporter_terminal.h"
#include "cli/session.h"
#include "core/report_log.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

std::string variable(const World& world, const std::string& name) {
  const auto found = world.variables.find(name);
  return found == world.variables.end() ? "" : found->second;
}

bool speaks_unicode(const World& world) {
  std::string locale;
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"})
    if (locale.empty()) locale = variable(world, name);
  std::transform(locale.begin(), locale.end(), locale.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  return locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
}

Style style_for(const World& world, const GlobalOptions& options, bool is_terminal) {
  const bool wanted =
      !options.no_color && variable(world, "NO_COLOR").empty() && variable(world, "TERM") != "dumb";
  return {.colour = is_terminal && wanted, .unicode = speaks_unicode(world)};
}

/// While another program has the terminal, the live lines are out of its way.
class PolitelyAttached : public ProcessRunner {
 public:
  PolitelyAttached(ProcessRunner& runner, TerminalReporter* reporter)
      : runner_(runner), reporter_(reporter) {}

  ProcessResult run(const ProcessSpec& spec, const std::stop_token& stop) override {
    return runner_.run(spec, stop);
  }
  int start_detached(const ProcessSpec& spec, const fs::path& log) override {
    return runner_.start_detached(spec, log);
  }
  int run_attached(const ProcessSpec& spec) override {
    const Turn turn(*this);
    return runner_.run_attached(spec);
  }
  bool is_attached() const { return attached_ > 0; }

 private:
  struct Turn {
    explicit Turn(PolitelyAttached& owner_in) : owner(owner_in) {
      ++owner.attached_;
      if (owner.reporter_) owner.reporter_->pause();
    }
    ~Turn() {
      --owner.attached_;
      if (owner.reporter_) owner.reporter_->resume();
    }
    PolitelyAttached& owner;
  };

  ProcessRunner& runner_;
  TerminalReporter* reporter_;
  std::atomic<int> attached_ = 0;
};

/// The reporter, and which one it is where that matters.
struct Shown {
  std::unique_ptr<Reporter> reporter;
  TerminalReporter* terminal = nullptr;
  JsonReporter* json = nullptr;
};

Shown make_reporter(const World& world, const GlobalOptions& options, bool event_stream) {
  if (options.json) {
    auto reporter = std::make_unique<JsonReporter>(world.console, event_stream);
    JsonReporter* const json = reporter.get();
    return {std::move(reporter), nullptr, json};
  }
  const bool is_terminal = world.console.error_is_terminal();
  const ReporterOptions how{.style = style_for(world, options, is_terminal),
                            .detail = options.quiet     ? Detail::quiet
                                      : options.verbose ? Detail::verbose
                                                        : Detail::normal,
                            .timestamps = options.timestamps};
  if (!is_terminal || variable(world, "TERM") == "dumb")
    return {std::make_unique<PlainReporter>(world.console, world.clock, how)};
  auto reporter = std::make_unique<TerminalReporter>(world.console, world.clock, how);
  TerminalReporter* const terminal = reporter.get();
  return {std::move(reporter), terminal};
}

/// Keeps what `next` is told in the file that ENVTOOL_LOG names, if it does.
std::unique_ptr<Reporter> with_log(const World& world, const Command& command, Reporter& next) {
  const std::string file = variable(world, "ENVTOOL_LOG");
  if (file.empty()) return nullptr;
  const fs::path path = world.working_directory / file;
  auto log = std::make_unique<ReportLog>(next, world.clock, path, ReportLog::Of::everything);
  const std::string line = fmt::format("'envtool {}' in '{}' (pid {})", command.name,
                                       world.working_directory.string(), ::getpid());
  if (log->note("", line)) return log;
  const std::string why = errno_text(errno);
  next.say("", fmt::format("cannot write the log '{}' that ENVTOOL_LOG names: {}", path.string(), why),
           Tone::warning);
  return nullptr;
}

/// `-C`, as one would write it.
fs::path directory_named(const World& world, const std::string& name) {
  fs::path directory = (world.working_directory / name).lexically_normal();
  if (!directory.has_filename()) directory = directory.parent_path();
  if (!fs::is_directory(directory))
    throw Error(ErrorKind::usage, fmt::format("there is no directory '{}'", name));
  return directory;
}

/// One command from its parsed line to its exit code.
int run_command(const World& world, const ServiceMaker& make_services, const CommandLine& language,
                const Command& command, const GlobalOptions& options) {
  const Shown shown = make_reporter(world, options, command.event_stream);
  const auto log = with_log(world, command, *shown.reporter);
  Reporter* const reporter = log ? log.get() : shown.reporter.get();
  PolitelyAttached processes(world.processes, shown.terminal);
  Host host{processes, world.clock, *reporter, world.variables, {}, world.working_directory};
  const std::stop_callback tell(world.stop, [&] {
    if (!processes.is_attached())
      reporter->say("", "stopping at the next safe point; Ctrl-C again quits at once", Tone::warning);
  });
  const auto end = [&](int code) {
    if (shown.json) shown.json->end(code);
    return code;
  };
  try {
    host.paths = host_paths(world.variables, world.home, world.program);
    if (!options.directory.empty()) host.working_directory = directory_named(world, options.directory);
    const std::shared_ptr<const Services> services = make_services(host);
    Session session(host, *services, world.console, options, language, world.stop);
    session.command = command.name;
    session.style = style_for(world, options, world.console.output_is_terminal());
    return end(command.run(session));
  } catch (const Error& error) {
    reporter->error("", error);
    return end(exit_code_of(error.kind()));
  } catch (const Interrupted&) {
    reporter->say("", "interrupted", Tone::warning);
    return end(exit_code::interrupted);
  } catch (const std::exception& surprise) {
    reporter->error("", Error(ErrorKind::failed, surprise.what()));
    return end(exit_code::failed);
  }
}

}  // namespace

int run_app(const World& world, const ServiceMaker& make_services, const std::vector<std::string>& words) {
  GlobalOptions options;
  CommandLine language(all_commands(), options);
  const Command* command = nullptr;
  try {
    command = language.parse(words);
  } catch (const Error& error) {
    world.console.write_error(
        paint_error(error.render(), style_for(world, options, world.console.error_is_terminal())));
    return exit_code_of(error.kind());
  }
  const Style style = style_for(world, options, world.console.output_is_terminal());
  if (options.version && command == nullptr) command = language.find("version");
  if (options.help || command == nullptr) {
    const bool asked = options.help;
    const std::string page = command ? command_page(*command, style)
                             : asked ? overview_page(language, style)
                                     : short_help(style);
    world.console.write_output(page);
    return asked ? exit_code::done : exit_code::usage;
  }
  return run_command(world, make_services, language, *command, options);
}

}  // namespace envtool
