#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/files.h"
#include "base/text.h"
#include "cli/commands/commands.h"
#include "cli/session.h"
#include "cli/style.h"
#include "config/local_setting.h"
#include "core/changes.h"
#include "core/host_resources.h"
#include "core/powers.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view lifted = "none";

struct Options {
  std::string machine;
  std::string cpus, memory, cpu_set;  ///< as typed; empty: left as it is
  bool save = false;

  bool changes() const { return !cpus.empty() || !memory.empty() || !cpu_set.empty(); }
};

int whole_number(const std::string& text) {
  int number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code == std::errc() && end == text.data() + text.size() && number > 0) return number;
  throw Error(ErrorKind::usage,
              fmt::format("'--cpus' takes a whole number from 1 on, or '{}', found '{}'", lifted, text));
}

/// Those that hold, with what the user wants instead. Throws Error(usage) for what makes no sense.
Limits changed(Limits limits, const Options& options) {
  if (options.cpus == lifted)
    limits.cpus.reset();
  else if (!options.cpus.empty())
    limits.cpus = whole_number(options.cpus);
  if (options.memory == lifted)
    limits.memory.reset();
  else if (!options.memory.empty() && !(limits.memory = ByteSize::parse(options.memory)))
    throw Error(ErrorKind::usage,
                fmt::format("'--memory' takes a size, such as '512MiB' or '2GiB', or '{}', found '{}'",
                            lifted, options.memory));
  if (!options.cpu_set.empty()) limits.cpu_set = options.cpu_set == lifted ? "" : options.cpu_set;
  return limits;
}

/// What the Envfile is warned of too.
void warn_of_too_much(Session& session, const Limits& wanted, const Options& options) {
  const HostResources host = host_resources();
  const auto warn = [&](const char* option, const std::string& value, const std::string& has) {
    session.say(fmt::format("'{}' is {}, and this host has {}", option, value, has), Tone::warning);
  };
  if (!options.cpus.empty() && wanted.cpus.value_or(0) > host.cpus)
    warn("--cpus", options.cpus, std::to_string(host.cpus));
  if (!options.memory.empty() && wanted.memory.value_or(ByteSize{}).bytes > host.memory.bytes)
    warn("--memory", options.memory, host.memory.to_string());
}

void check_saving(const Session& session, const Options& options) {
  if (!options.changes()) throw Error(ErrorKind::usage, "'--save' needs something to save");
  if (!session.options.files.empty() || !session.host.variable("ENVTOOL_FILE").empty())
    throw Error(ErrorKind::usage, "'--save' writes 'Envfile.local', which is not read with '-f'");
}

/// The set of CPUs is an option of the provider's, and not every one has it.
void check_cpu_set_key(const Session& session, const MachineStatus& status, const Options& options) {
  if (options.cpu_set.empty()) return;
  const ProviderInfo* const info = session.services.providers.info(status.provider);
  if (info && std::ranges::any_of(info->schema.options,
                                  [](const OptionSpec& option) { return option.name == cpu_set_option; }))
    return;
  throw Error(ErrorKind::unsupported,
              fmt::format("'--cpu-set' cannot be saved: provider '{}' has no option '{}'", status.provider,
                          cpu_set_option))
      .with_hint("without '--save' it holds until the next 'envtool up'");
}

/// Where the machine's own settings stand in a file of its project.
std::vector<std::string> keys_of(Session& session, const MachineConfig& machine, const std::string& provider,
                                 const std::string& key) {
  std::vector<std::string> keys;
  if (session.project().document.has("machines")) keys = {"machines", machine.block};
  if (machine.block != machine.name)
    throw Error(ErrorKind::usage,
                fmt::format("'--save' cannot mean '{}' alone: it is one of the machines of '{}'",
                            machine.name, machine.block))
        .with_hint(
            fmt::format("write '{}' under '{}' in 'Envfile.local' for all of them", key, machine.block));
  const auto block = machine.provider_overrides.find(provider);
  if (block != machine.provider_overrides.end() &&
      (key == "cpus" ? block->second.cpus.has_value() : block->second.memory.has_value()))
    keys.insert(keys.end(), {"providers", provider});  // where it wins
  if (key == cpu_set_option) keys.insert(keys.end(), {"providers", provider});
  keys.push_back(key);
  return keys;
}

void save(Session& session, const MachineStatus& status, const Options& options) {
  const ProjectConfig& project = session.project().project;
  const MachineConfig* const machine = project.find(status.name);
  if (!machine) throw Error(ErrorKind::usage, fmt::format("machine '{}' is not in the Envfile", status.name));
  std::error_code code;
  const fs::path path = fs::weakly_canonical(project.directory / "Envfile.local", code);
  const std::string before = read_file_if_there(path).value_or("");
  std::string text = before;
  for (const auto& [key, value] : {std::pair("cpus", &options.cpus), std::pair("memory", &options.memory),
                                   std::pair("cpu_set", &options.cpu_set)})
    if (!value->empty())
      text = with_setting(text, keys_of(session, *machine, status.provider, key),
                          *value == lifted ? "null" : *value, "Envfile.local");
  const bool is_there = fs::exists(path, code);
  const auto mode = is_there ? static_cast<unsigned>(fs::status(path, code).permissions()) & 0777U : 0644U;
  if (text != before) write_file(path, text, mode);
}

Value to_value(const std::string& machine, const Limits& limits) {
  Value value = Value::map({{"machine", machine}});
  if (limits.cpus) value.set("cpus", *limits.cpus);
  if (limits.memory) value.set("memory", static_cast<std::int64_t>(limits.memory->bytes));
  if (!limits.cpu_set.empty()) value.set("cpu_set", limits.cpu_set);
  return value;
}

void show(Session& session, const std::string& machine, const Limits& limits) {
  session.show(table({{"cpus", limits.cpus ? std::to_string(*limits.cpus) : "no limit"},
                      {"memory", limits.memory ? limits.memory->to_string() : "no limit"},
                      {"cpu set", limits.cpu_set.empty() ? "all" : limits.cpu_set}}),
               to_value(machine, limits));
}

int limits(Session& session, const Options& options) {
  const Session::MachineTarget target = session.open_one(options.machine, Session::Config::needed);
  Powers powers(target.engine);
  if (options.save) check_saving(session, options);
  const MachineStatus status = target.engine.status({target.machine}).front();
  if (options.save) check_cpu_set_key(session, status, options);
  if (!options.changes()) {
    show(session, target.machine, powers.limits(target.machine));
    return exit_code::done;
  }
  warn_of_too_much(session, changed({}, options), options);
  const bool live = status.phase == MachinePhase::running || !options.save;
  if (live) {
    const Outcome outcome =
        powers.set_limits(target.machine, changed(powers.limits(target.machine), options));
    if (const int code = exit_code_of(outcome); code != exit_code::done) return code;
  }
  if (options.save) {
    save(session, status, options);
    session.say(live ? "'Envfile.local' has it for every 'up' to come"
                     : fmt::format("'Envfile.local' has it; '{}' is {} and gets it when it starts",
                                   target.machine, to_string(status.phase)));
  }
  if (live) show(session, target.machine, powers.limits(target.machine));
  return exit_code::done;
}

}  // namespace

Command limits_command() {
  const auto options = std::make_shared<Options>();
  return {
      .name = "limits",
      .group = group::machines,
      .summary = "show or change what a running machine may take",
      .description =
          "What is changed holds at once and until the next 'up', which applies the Envfile's. 'none' lifts\n"
          "a limit. Without options: the limits as they are.",
      .examples = {"envtool limits web --memory 4GiB --cpus 1", "envtool limits --cpu-set 0-1",
                   "envtool limits web --memory 4GiB --save"},
      .options = {text_option(0, "cpus", "N", options->cpus, "as much CPU time as N CPUs have"),
                  text_option(0, "memory", "SIZE", options->memory, "at most that much, as '2GiB'"),
                  text_option(0, "cpu-set", "LIST", options->cpu_set,
                              "run on these CPUs of the host only, as '0-1,4'"),
                  flag(0, "save", options->save, "also write it into Envfile.local, for every 'up' to come")},
      .arguments = {machine_argument(options->machine)},
      .run = [options](Session& session) { return limits(session, *options); }};
}

}  // namespace envtool
