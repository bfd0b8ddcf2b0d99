#include "core/powers.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/suggest.h"
#include "base/text.h"
#include "core/engine_parts.h"
#include "core/snapshots.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

bool is_alive(MachinePhase phase) { return phase == MachinePhase::running || phase == MachinePhase::paused; }

bool has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

Error no_snapshot(const std::string& machine, const std::vector<std::string>& names,
                  const std::string& name) {
  const std::string guess = did_you_mean(name, names);
  return Error(ErrorKind::usage, fmt::format("machine '{}' has no snapshot '{}'", machine, name))
      .with_hint(!guess.empty()   ? guess
                 : !names.empty() ? fmt::format("it has: {}", join(names, ", "))
                                  : "it has none; 'envtool snapshot save NAME' takes one");
}

Error nothing_to_package(const std::string& machine) {
  return Error(ErrorKind::failed,
               fmt::format("machine '{}' is not created, so there is nothing to make a box of", machine))
      .with_hint(fmt::format("'envtool up {}' makes it", machine));
}

}  // namespace

template <class Power>
Power& Powers::power_of_provider(const std::string& provider) {
  return require<Power>(parts_.run.provider(provider), parts_.setup.services.providers);
}

Outcome Powers::suspend(const std::vector<std::string>& machines) {
  if (!parts_.run.environment) return {};
  const FileLock use = parts_.use_environment();
  return parts_.for_each(machines, {.order = Engine::Parts::Tour::Order::reverse}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    power_of_provider<Suspend>(context.record.provider);
    recover(context, job.journal());
    if (context.state.phase != MachinePhase::running)
      context.operation.say(fmt::format("it is {}; nothing to suspend", to_string(context.state.phase)));
    return run_steps(context, {suspend_step()}, job.journal());
  });
}

Outcome Powers::resume(const std::vector<std::string>& machines) {
  if (!parts_.run.environment) return {};
  const FileLock use = parts_.use_environment();
  return parts_.for_each(machines, {}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    power_of_provider<Suspend>(context.record.provider);
    recover(context, job.journal());
    if (context.state.phase != MachinePhase::paused) {
      context.operation.say(fmt::format("it is {}; nothing to resume", to_string(context.state.phase)));
      return false;
    }
    return run_steps(context, {resume_step(), forward_ports_step()}, job.journal());
  });
}

std::vector<SnapshotInfo> Powers::snapshots(const std::string& machine) {
  if (!parts_.run.environment) return {};
  const auto record = MachineStore(*parts_.run.environment, machine).load();
  if (!record || record->created.empty()) return {};
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  return power_of_provider<Snapshots>(record->provider).snapshots(record->backend_name, operation);
}

std::vector<std::string> Powers::snapshot_names(const std::string& machine) {
  if (!parts_.run.environment) return {};
  const auto record = MachineStore(*parts_.run.environment, machine).load();
  if (!record || record->created.empty()) return {};
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  return power_of_provider<Snapshots>(record->provider).snapshot_names(record->backend_name, operation);
}

std::vector<std::string> Powers::with_snapshot(const std::vector<std::string>& machines,
                                               const std::string& snapshot, bool every) {
  std::vector<std::string> having;
  std::optional<Error> missing;
  for (const std::string& machine : machines) {
    const std::vector<std::string> there = snapshot_names(machine);
    if (has(there, snapshot))
      having.push_back(machine);
    else if (!missing || missing->hint().find("did you mean") == std::string::npos)
      missing = no_snapshot(machine, there, snapshot);
  }
  if (missing && (every || having.empty())) throw Error(*missing);
  return having;
}

void Powers::check_saving(const std::string& machine) {
  if (!parts_.run.environment) return;
  const auto record = MachineStore(*parts_.run.environment, machine).load();
  if (!record || record->created.empty()) return;
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  auto& snapshots = power_of_provider<Snapshots>(record->provider);
  try {
    snapshots.check_saving(record->backend_name, operation);
  } catch (Error& error) {
    error.with_frame(fmt::format("machine '{}'", machine));
    throw;
  }
}

Outcome Powers::save_snapshot(const std::vector<std::string>& machines, const std::string& snapshot) {
  check_snapshot_name(snapshot);
  for (const std::string& machine : machines) check_saving(machine);
  for (const std::string& machine : machines)
    if (has(snapshot_names(machine), snapshot))
      throw Error(ErrorKind::failed,
                  fmt::format("machine '{}' has a snapshot '{}' already", machine, snapshot))
          .with_hint(
              fmt::format("'envtool snapshot delete {}' removes it, or choose another name", snapshot));
  if (!parts_.run.environment) return {};
  const FileLock use = parts_.use_environment();
  return parts_.for_each(machines, {}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    power_of_provider<Snapshots>(context.record.provider);
    recover(context, job.journal());
    if (context.state.phase == MachinePhase::absent) return false;
    return run_steps(context, {save_snapshot_step(snapshot, context.state.phase)}, job.journal());
  });
}

Outcome Powers::restore_snapshot(const std::vector<std::string>& machines, const std::string& snapshot) {
  if (!parts_.run.environment) return {};
  const FileLock use = parts_.use_environment();
  return parts_.for_each(machines, {}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    const MachineRecord& record = context.record;
    recover(context, job.journal());
    // Nothing is stopped before it is known that it can start again.
    auto& snapshots = power_of_provider<Snapshots>(record.provider);
    const auto there = snapshots.snapshot_names(record.backend_name, context.operation);
    if (!has(there, snapshot)) throw no_snapshot(context.config.name, there, snapshot);
    snapshots.check_snapshot(record.backend_name, snapshot, context.operation);
    parts_.run.check_host(record.provider, context.config, context.operation);
    const bool ran = is_alive(context.state.phase);
    // What a graceful stop would write is thrown away.
    std::vector<Step> steps = halt_steps(StopMode::hard);
    steps.push_back(restore_snapshot_step(snapshot));
    if (ran)
      for (Step& step : start_steps()) steps.push_back(std::move(step));
    return run_steps(context, steps, job.journal());
  });
}

Outcome Powers::delete_snapshot(const std::vector<std::string>& machines, const std::string& snapshot) {
  if (!parts_.run.environment) return {};
  const FileLock use = parts_.use_environment();
  return parts_.for_each(machines, {}, [&](MachineJob& job) {
    recover(job.context(), job.journal());
    return run_steps(job.context(), {delete_snapshot_step(snapshot)}, job.journal());
  });
}

Outcome Powers::package(const std::string& machine, const NewBox& box) {
  const auto record =
      parts_.run.environment ? MachineStore(*parts_.run.environment, machine).load() : std::nullopt;
  if (!record || record->created.empty()) throw nothing_to_package(machine);
  const FileLock use = parts_.use_environment();
  return parts_.for_each({machine}, {}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    if (envtool::power_of<DiskPackage>(context.provider) == nullptr)
      power_of_provider<Package>(context.record.provider);
    recover(context, job.journal());
    if (context.state.phase == MachinePhase::absent) throw nothing_to_package(machine);
    return run_steps(context, {package_step(box, context.state.phase)}, job.journal());
  });
}

Limits Powers::limits(const std::string& machine) {
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  const MachineRecord record = parts_.running_record(machine, operation);
  return power_of_provider<LiveLimits>(record.provider).limits(record.backend_name, operation);
}

Outcome Powers::set_limits(const std::string& machine, const Limits& limits) {
  const FileLock use = parts_.use_environment();
  return parts_.for_each({machine}, {}, [&](MachineJob& job) {
    power_of_provider<LiveLimits>(job.context().record.provider);
    recover(job.context(), job.journal());
    return run_steps(job.context(), {set_limits_step(limits)}, job.journal());
  });
}

MachineUsage Powers::usage(const MachineStatus& machine) {
  if (!is_alive(machine.phase)) return {};
  Usage* const usage = envtool::power_of<Usage>(parts_.run.provider(machine.provider));
  Operation operation{parts_.setup.host, machine.name, parts_.setup.stop};
  return usage ? usage->usage(machine.backend_name, operation) : MachineUsage{};
}

bool Powers::can_attach(const std::string& machine) {
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  const MachineRecord record = parts_.running_record(machine, operation);
  Attach* const attach = envtool::power_of<Attach>(parts_.run.provider(record.provider));
  return attach && attach->attaches_unasked();
}

int Powers::attach(const std::string& machine, AttachCommand command) {
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  const MachineRecord record = parts_.running_record(machine, operation);
  if (command.user.empty()) command.user = record.ssh_user;
  return power_of_provider<Attach>(record.provider).attach(record.backend_name, command, operation);
}

void Powers::open_console(const std::string& machine) {
  Operation operation{parts_.setup.host, machine, parts_.setup.stop};
  const MachineRecord record = parts_.running_record(machine, operation);
  power_of_provider<ConsoleAccess>(record.provider).open_console(record.backend_name, operation);
}

}  // namespace envtool
