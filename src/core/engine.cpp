#include "core/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/suggest.h"
#include "base/text.h"
#include "core/capabilities.h"
#include "core/engine_parts.h"
#include "core/folder_ways.h"
#include "core/hooks.h"
#include "core/preflight.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

ProjectConfig config_of(const Engine::Setup& setup) {
  if (setup.config != nullptr) return *setup.config;
  ProjectConfig config;
  if (setup.environment) {
    config.name = setup.environment->name;
    config.directory = setup.environment->directory;
  }
  return config;
}

/// Writes down how long its life was, whichever way it ends.
class ElapsedTime {
 public:
  ElapsedTime(const Clock& clock, std::chrono::milliseconds& result)
      : clock_(clock), started_(clock.now()), result_(result) {}
  ~ElapsedTime() { result_ = std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now() - started_); }
  ElapsedTime(const ElapsedTime&) = delete;
  ElapsedTime& operator=(const ElapsedTime&) = delete;

 private:
  const Clock& clock_;
  const std::chrono::steady_clock::time_point started_;
  std::chrono::milliseconds& result_;
};

}  // namespace

Engine::Parts::Parts(Setup given)
    : setup(std::move(given)),
      config(config_of(setup)),
      project_operation{setup.host, "", setup.stop},
      run(setup.host, setup.services, config, setup.environment, setup.stop) {
  find_orphans();
}

Engine::Engine(Setup setup) : parts_(std::make_unique<Parts>(std::move(setup))) {}
Engine::~Engine() = default;

void Engine::Parts::find_orphans() {
  orphans.clear();
  if (!run.environment) return;
  for (const std::string& name : recorded_machines(*run.environment)) {
    if (config.find(name) != nullptr) continue;
    MachineConfig orphan;
    orphan.name = orphan.block = name;
    orphan.hostname = name;
    orphans.push_back(std::move(orphan));
  }
}

const MachineConfig* Engine::Parts::machine(const std::string& name) {
  if (const MachineConfig* found = config.find(name)) return found;
  for (const MachineConfig& orphan : orphans)
    if (orphan.name == name) return &orphan;
  throw Error(ErrorKind::usage, fmt::format("no machine '{}'", name));
}

FileLock Engine::Parts::use_environment() {
  for (;;) {
    if (!run.environment)
      run.environment = setup.environments.ensure(config.directory, config.name, setup.adopt);
    const std::filesystem::path path = setup.host.paths.state / (run.environment->id + ".lock");
    auto use = FileLock::try_share(path);
    const bool still_there = std::filesystem::exists(run.environment->state / "project.json");
    if (use && still_there) return std::move(*use);
    // Another command is forgetting it at this moment: wait for that, and make it again.
    if (!still_there && setup.config != nullptr) run.environment.reset();
    project_operation.sleep_for(std::chrono::milliseconds(10));
  }
}

void Engine::Parts::forget_if_empty(FileLock use) {
  if (!run.environment || !recorded_machines(*run.environment).empty()) return;
  const std::filesystem::path path = setup.host.paths.state / (run.environment->id + ".lock");
  { const FileLock given_up = std::move(use); }
  const auto alone = FileLock::try_take(path, "");
  if (!alone || !recorded_machines(*run.environment).empty()) return;
  // A kill may have come between the choice of ports and the record of their machine.
  run.ports.release(run.environment->id);
  setup.environments.forget(*run.environment);
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
  run.environment.reset();
}

Outcome Engine::Parts::in_environment(const std::function<void(Outcome&)>& work) {
  FileLock use = use_environment();
  Outcome outcome;
  try {
    work(outcome);
  } catch (const Error& error) {
    setup.host.reporter.error("", error);
    outcome.project_error = error;
  } catch (const Interrupted&) {
    outcome.interrupted = true;
  }
  forget_if_empty(std::move(use));
  return outcome;
}

Outcome Engine::Parts::with_hooks(const std::string& command, const std::function<void(Outcome&)>& work) {
  return in_environment([&](Outcome& outcome) {
    run_hooks(run, HookMoment::before, command, project_operation);
    work(outcome);
    if (!outcome.failed()) run_hooks(run, HookMoment::after, command, project_operation);
  });
}

std::vector<const MachineConfig*> Engine::Parts::check(const std::vector<std::string>& machines,
                                                       const std::string& wanted_provider) {
  std::vector<const MachineConfig*> configs;
  for (const std::string& name : machines) configs.push_back(machine(name));
  preflight(run, configs, wanted_provider, project_operation);
  return configs;
}

Task Engine::Parts::task_for(const Tour& tour, const Work& work, MachineOutcome& outcome) {
  const std::string name = outcome.machine;
  Task task{name, {}, {}};
  if (tour.order == Tour::Order::dependencies) task.after = machine(name)->depends_on;
  if (tour.order == Tour::Order::reverse)
    for (const MachineConfig& other : config.machines)
      if (std::find(other.depends_on.begin(), other.depends_on.end(), name) != other.depends_on.end())
        task.after.push_back(other.name);
  task.run = [this, name, &tour, &work, &outcome] {
    const ElapsedTime elapsed(setup.host.clock, outcome.elapsed);
    outcome.result = MachineOutcome::Result::unchanged;
    if (tour.recorded_only && !MachineStore(*run.environment, name).load()) return;
    const auto told = [&](Error error) {
      error.with_frame(fmt::format("machine '{}'", name));
      setup.host.reporter.error(name, error);
      return error;
    };
    try {
      MachineJob job(run, *machine(name), setup, tour.provider, tour.selection);
      if (work(job)) outcome.result = MachineOutcome::Result::done;
    } catch (const Error& error) {
      throw told(error);
    } catch (const std::exception& surprise) {
      throw told(Error(ErrorKind::failed, surprise.what()));
    }
  };
  return task;
}

Outcome Engine::Parts::for_each(const std::vector<std::string>& machines, const Tour& tour,
                                const Work& work) {
  std::vector<MachineOutcome> outcomes(machines.size());
  std::vector<Task> tasks;
  for (size_t i = 0; i < machines.size(); ++i) {
    outcomes[i].machine = machines[i];
    tasks.push_back(task_for(tour, work, outcomes[i]));
  }
  const std::vector<TaskOutcome> results = run_tasks(tasks, tour.jobs, setup.stop);
  Outcome outcome;
  for (size_t i = 0; i < results.size(); ++i) {
    using Result = MachineOutcome::Result;
    if (results[i].result == TaskOutcome::Result::failed) outcomes[i].result = Result::failed;
    if (results[i].result == TaskOutcome::Result::skipped) outcomes[i].result = Result::skipped;
    if (results[i].result == TaskOutcome::Result::interrupted) {
      outcomes[i].result = Result::interrupted;
      outcome.interrupted = true;
    }
    outcomes[i].error = results[i].error;
    outcomes[i].skipped_because = results[i].skipped_because;
  }
  outcome.machines = std::move(outcomes);
  return outcome;
}

const Error* Outcome::first_error() const {
  for (const MachineOutcome& machine : machines)
    if (machine.error) return &*machine.error;
  return project_error ? &*project_error : nullptr;
}

bool Outcome::failed() const { return interrupted || first_error() != nullptr; }

Outcome Engine::halt(const std::vector<std::string>& machines, StopMode mode) {
  Parts& parts = *parts_;
  if (!parts.run.environment) return {};
  return parts.with_hooks("halt", [&](Outcome& outcome) {
    outcome = parts.for_each(machines, {.order = Parts::Tour::Order::reverse}, [&](MachineJob& job) {
      recover(job.context(), job.journal());
      return run_steps(job.context(), halt_steps(mode), job.journal());
    });
  });
}

Outcome Engine::reload(const std::vector<std::string>& machines, const UpOptions& options) {
  Parts& parts = *parts_;
  std::vector<std::string> there;
  for (const MachineStatus& machine : status(machines)) {
    if (machine.phase != MachinePhase::absent && machine.in_envfile) {
      there.push_back(machine.name);
      continue;
    }
    parts.setup.host.reporter.say(machine.name, machine.in_envfile
                                                    ? "it is not there; 'envtool up' makes it"
                                                    : "it is not in the Envfile, and left as it is");
  }
  if (there.empty()) return {};
  parts.check(there);
  return parts.with_hooks("reload", [&](Outcome& outcome) {
    outcome = halt(there, StopMode::graceful);
    if (!outcome.failed()) outcome = up(there, options);
  });
}

Outcome Engine::destroy(const std::vector<std::string>& machines, DiskFate disks) {
  Parts& parts = *parts_;
  if (!parts.run.environment) {
    if (parts.setup.config != nullptr) parts.setup.environments.forget_half_made(parts.config.directory);
    return {};
  }
  return parts.with_hooks("destroy", [&](Outcome& outcome) {
    outcome = parts.for_each(machines, {.order = Parts::Tour::Order::reverse}, [&](MachineJob& job) {
      return run_steps(job.context(), destroy_steps(disks), job.journal());
    });
    if (parts.setup.config != nullptr && !recorded_machines(*parts.run.environment).empty())
      parts.run.write_inventory(parts.project_operation);
  });
}

Outcome Engine::sync(const std::vector<std::string>& machines) {
  Parts& parts = *parts_;
  if (!parts.run.environment) return {};
  const FileLock use = parts.use_environment();
  return parts.for_each(machines, {}, [&](MachineJob& job) {
    MachineContext& context = job.context();
    if (context.state.phase != MachinePhase::running) {
      context.operation.say(fmt::format("it is {}; nothing to sync", to_string(context.state.phase)));
      return false;
    }
    const bool worked = run_steps(context, {sync_folders_step()}, job.journal());
    if (!worked) context.operation.say("no folder is copied into it; nothing to sync");
    return worked;
  });
}

std::unique_ptr<FolderWatch> Engine::watch(const std::vector<std::string>& machines) {
  std::vector<FolderConfig> folders;
  for (const std::string& name : machines) {
    const MachineConfig& machine = *parts_->machine(name);
    std::optional<MachineRecord> record;
    if (parts_->run.environment) record = MachineStore(*parts_->run.environment, name).load();
    if (!record || record->provider.empty()) continue;
    const MachineConfig wanted = effective_for(machine, record->provider);
    const FolderScene scene{wanted, *record, parts_->config.directory, parts_->run.provider(record->provider),
                            parts_->project_operation};
    for (FolderConfig& folder : copied_folders(scene)) folders.push_back(std::move(folder));
  }
  if (folders.empty())
    throw Error(ErrorKind::usage, "no folder is copied into a machine, so there is none to watch")
        .with_hint("'type: rsync' copies a folder; those that a machine shares need no copying");
  return parts_->setup.services.folders.watch(folders);
}

const std::optional<Environment>& Engine::environment() const { return parts_->run.environment; }

}  // namespace envtool
