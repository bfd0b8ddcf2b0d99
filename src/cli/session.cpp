#include "cli/session.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "cli/reporter_json.h"
#include "core/host_resources.h"

namespace envtool {

namespace fs = std::filesystem;

Session::Session(Host& host_in, const Services& services_in, Console& console_in,
                 const GlobalOptions& options_in, const CommandLine& language_in, std::stop_token stop_in)
    : host(host_in),
      services(services_in),
      console(console_in),
      options(options_in),
      language(language_in),
      stop(std::move(stop_in)) {}

Session::~Session() = default;

void Session::show(std::string_view text, const Value& value) {
  if (options.json)
    host.reporter.document(value);
  else
    host.reporter.product(text);
}

bool Session::confirm(const std::string& question) {
  if (options.yes) return true;
  if (!console.input_is_terminal())
    throw Error(ErrorKind::usage,
                fmt::format("'{}' asks before it goes on, and there is no terminal to ask on", command))
        .with_hint("say --yes");
  console.write_error(question + " [y/N] ");
  const std::string answer(trim(console.read_line(stop).value_or("")));
  return answer == "y" || answer == "Y" || answer == "yes";
}

LoadOptions Session::load_options() const {
  LoadOptions load;
  load.working_directory = host.working_directory;
  load.files = options.files;
  if (load.files.empty())
    if (const std::string file = host.variable("ENVTOOL_FILE"); !file.empty()) load.files = {file};
  load.params = options.params;
  load.environment = host.variables;
  load.home = host.paths.home;
  load.user_config = host.paths.config / "config.yaml";
  load.plugins = plugin_schemas(services.providers, services.provisioners);
  load.tool_version = ENVTOOL_VERSION;
  const HostResources resources = host_resources();
  load.host_cpus = resources.cpus;
  load.host_memory = resources.memory;
  utsname system = {};
  if (::uname(&system) == 0) load.architecture = system.machine;
  load.user_id = ::geteuid();
  load.user = user_name(load.user_id);  // $USER is another's after `su`, and nobody's in a service
  load.trust = options.trust;
  load.under_sudo = !host.variable("SUDO_UID").empty();
  return load;
}

const LoadedProject& Session::project() {
  if (loaded_) return *loaded_;
  LoadOptions load = load_options();
  for (const std::string& file : load.files)
    if (file == "-") load.standard_input = console.read_input();
  loaded_ = load_project(load);
  return *loaded_;
}

SourcesConfig Session::box_sources() const {
  const LoadOptions load = load_options();
  try {
    if (load.files.empty() && find_envfile(load.working_directory)) return load_project(load).project.sources;
  } catch (const Error&) {  // what is wrong with the project is no matter of a box's
  }
  return load_user_sources(load);
}

EnvironmentStore& Session::environments() {
  if (!environments_) environments_.emplace(host);
  return *environments_;
}

Engine& Session::make_engine(std::optional<Environment> environment) {
  const auto wait =
      options.wait_seconds > 0 ? std::chrono::seconds(options.wait_seconds) : std::chrono::hours(24 * 365);
  engine_ = std::make_unique<Engine>(Engine::Setup{.host = host,
                                                   .services = services,
                                                   .environments = environments(),
                                                   .config = config(),
                                                   .environment = std::move(environment),
                                                   .lock_wait = options.wait ? wait : std::chrono::seconds(0),
                                                   .command = "envtool " + command,
                                                   .adopt = adopt,
                                                   .stop = stop});
  return *engine_;
}

Engine& Session::open_environment(const std::string& reference, Config wanted) {
  Environment environment = environments().by_reference(reference);
  LoadOptions load = load_options();
  load.files.clear();
  load.working_directory = environment.directory;
  try {
    // A directory above may hold another project's Envfile, which is none of this environment's.
    if (const auto file = find_envfile(environment.directory);
        file && file->parent_path() == environment.directory)
      loaded_ = load_project(load);
  } catch (const Error&) {
    if (wanted == Config::needed) throw;
  }
  if (!loaded_ && wanted == Config::needed)
    throw Error(ErrorKind::usage, fmt::format("the Envfile of environment '@{}' is gone from '{}'", reference,
                                              environment.directory.string()))
        .with_hint(fmt::format("'envtool destroy @{}' still works", reference));
  return make_engine(std::move(environment));
}

/// How '@...' names the environment on record for the project here; empty when there is none.
std::string Session::reference_here() {
  fs::path directory = host.working_directory;
  const std::vector<std::string> files = load_options().files;
  try {
    if (!files.empty() && files.front() != "-")
      directory = (directory / files.front()).parent_path();
    else if (const auto envfile = files.empty() ? find_envfile(directory) : std::nullopt)
      directory = envfile->parent_path();
  } catch (const Error&) {  // two side by side: they are here
  }
  directory = fs::weakly_canonical(directory);
  const std::vector<Environment> all = environments().all();
  const auto here = std::ranges::find(all, directory, &Environment::directory);
  if (here == all.end()) return {};
  return std::ranges::count(all, here->name, &Environment::name) == 1 ? here->name : here->id.substr(0, 8);
}

const LoadedProject& Session::project_here(Config wanted) {
  try {
    return project();
  } catch (const Error& error) {
    // A wrong '--param' is not the Envfile's fault.
    const bool helps =
        wanted == Config::if_there && (error.kind() != ErrorKind::usage || options.params.empty());
    const std::string reference = helps ? reference_here() : "";
    if (reference.empty()) throw;
    std::vector<Diagnostic> problems = error.diagnostics();
    std::string& hint = problems.back().hint;
    hint += fmt::format("{0}'@{1}' and '@{1}/MACHINE' reach its machines without the Envfile",
                        hint.empty() ? "" : "; ", reference);
    throw Error(error.kind(), std::move(problems));
  }
}

Session::Target Session::open(const std::vector<std::string>& machines, Config wanted) {
  std::optional<std::string> reference;
  std::vector<std::string> patterns;
  for (const std::string& machine : machines) {
    const bool elsewhere = machine.starts_with('@');
    const size_t slash = machine.find('/');
    const std::string environment =
        elsewhere ? machine.substr(1, slash == std::string::npos ? slash : slash - 1) : "";
    if (reference && *reference != environment)
      throw Error(ErrorKind::usage, "machines of two environments cannot be named in one command");
    reference = environment;
    if (!elsewhere)
      patterns.push_back(machine);
    else if (slash != std::string::npos)
      patterns.push_back(machine.substr(slash + 1));
  }
  if (reference && !reference->empty()) return {open_environment(*reference, wanted), patterns};
  const ProjectConfig& here = project_here(wanted).project;
  FoundEnvironment found = environments().find(here.directory, here.name);
  if (!found.note.empty()) host.reporter.say("", found.note);
  return {make_engine(std::move(found.environment)), patterns};
}

Session::MachineTarget Session::open_one(const std::string& machine, Config wanted) {
  Target target = open(machine.empty() ? std::vector<std::string>{} : std::vector{machine}, wanted);
  return {target.engine, target.engine.select_one(target.machines.empty() ? "" : target.machines.front())};
}

Session::GroupTarget Session::open_group(const std::string& machines) {
  Target target =
      open(machines.empty() ? std::vector<std::string>{} : std::vector{machines}, Config::if_there);
  if (target.machines.empty()) return {target.engine, {target.engine.select_one("")}, false};
  const std::vector<std::string> names = target.engine.select(target.machines, true);
  return {target.engine, names, names != target.machines};
}

namespace {

using Result = MachineOutcome::Result;

Value to_value(const MachineOutcome& outcome) {
  static constexpr std::string_view results[] = {"done", "unchanged", "failed", "skipped", "interrupted"};
  Value value = Value::map({{"machine", outcome.machine},
                            {"result", results[static_cast<int>(outcome.result)]},
                            {"seconds", static_cast<double>(outcome.elapsed.count()) / 1000}});
  if (outcome.error) value.set("error", outcome.error->what());
  if (!outcome.skipped_because.empty()) value.set("because", outcome.skipped_because);
  return value;
}

/// Whether the machine was left out because another one failed, not because the user stopped everything.
bool skipped_for_failure(const MachineOutcome& machine, const Outcome& outcome) {
  return machine.result == Result::skipped &&
         std::none_of(outcome.machines.begin(), outcome.machines.end(), [&](const MachineOutcome& other) {
           return other.machine == machine.skipped_because && other.result == Result::interrupted;
         });
}

}  // namespace

int Session::finish(const Outcome& outcome, std::string_view done, std::string_view unchanged,
                    const std::function<void()>& last_words) {
  const int code = exit_code_of(outcome);
  Value machines = Value::list();
  for (const MachineOutcome& machine : outcome.machines) {
    machines.push_back(to_value(machine));
    if (options.json) continue;
    const std::string& name = machine.machine;
    if (machine.result == Result::done && !done.empty())
      host.reporter.say(
          name,
          fmt::format("{} ({})", machine.is_removed ? "is destroyed" : done, show_elapsed(machine.elapsed)),
          Tone::success);
    if (machine.result == Result::unchanged && !unchanged.empty())
      host.reporter.say(name, unchanged, Tone::success);
    if (skipped_for_failure(machine, outcome))
      host.reporter.say(name, fmt::format("skipped, because '{}' failed", machine.skipped_because),
                        Tone::warning);
  }
  if (outcome.interrupted && !options.json)
    say(fmt::format("interrupted; 'envtool {}' goes on from here", command), Tone::warning);
  if (code == exit_code::done && outcome.machines.empty()) say("nothing to do");
  if (code == exit_code::done && last_words) last_words();
  if (options.json)
    host.reporter.document(
        Value::map({{"event", "result"}, {"exit_code", code}, {"machines", std::move(machines)}}));
  return code;
}

}  // namespace envtool
