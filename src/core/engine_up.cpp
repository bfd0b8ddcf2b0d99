#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "core/changes.h"
#include "core/engine_parts.h"
#include "core/provisioning.h"
#include "core/steps/steps.h"

namespace envtool {

namespace {

using Needs = PendingChange::Needs;

bool has(const std::vector<PendingChange>& changes, Needs needs) {
  return std::any_of(changes.begin(), changes.end(),
                     [&](const PendingChange& change) { return change.needs == needs; });
}

std::string keys_of(const std::vector<PendingChange>& changes, Needs needs) {
  std::vector<std::string> keys;
  for (const PendingChange& change : changes)
    if (change.needs == needs) keys.push_back("'" + change.key + "'");
  return join(keys, ", ");
}

}  // namespace

std::vector<std::string> in_words(const std::vector<PendingChange>& left) {
  std::vector<std::string> sentences;
  for (const auto& [needs, option] :
       {std::pair(Needs::restart, "restart"), std::pair(Needs::recreate, "recreate")})
    if (has(left, needs))
      sentences.push_back(fmt::format("changed in the Envfile and left: {} ('envtool up --{}' applies it)",
                                      keys_of(left, needs), option));
  return sentences;
}

namespace {

/// A provider sees a machine as broken when half of it is gone; stopping it hard mends what can be mended.
void mend(MachineContext& context) {
  if (context.state.phase != MachinePhase::broken) return;
  context.operation.say(fmt::format("it is broken ({}); stopping it first", context.state.detail),
                        Tone::warning);
  context.provider.stop(context.record.backend_name, StopMode::hard, {}, context.operation);
  context.state = context.provider.inspect(context.record.backend_name, context.operation);
  if (context.state.phase == MachinePhase::broken)
    throw Error(ErrorKind::failed, fmt::format("the machine is broken: {}", context.state.detail))
        .with_hint(
            fmt::format("'envtool destroy {0}' and 'envtool up {0}' make it anew", context.config.name));
}

/// The disks that an earlier machine left are with one provider, and no other can give them to the next.
void check_kept_disks(const MachineContext& context, const std::string& wanted_provider) {
  const MachineRecord& record = context.record;
  std::vector<std::string> providers = context.config.providers;
  if (!wanted_provider.empty()) providers = {wanted_provider};
  if (!record.only_disks || providers.empty() ||
      std::find(providers.begin(), providers.end(), record.provider) != providers.end())
    return;
  throw Error(ErrorKind::usage, fmt::format("provider '{}' keeps disks of it, and it is to be made by '{}'",
                                            record.provider, join(providers, "' or '")))
      .with_hint(fmt::format("'envtool destroy --volumes {}' removes them", record.name));
}

}  // namespace

void Engine::Parts::apply_restarting_changes(MachineJob& job, const UpOptions& options) {
  MachineContext& context = job.context();
  const std::vector<PendingChange> changes =
      pending_changes(context.config, context.record, context.provider.info());
  if (options.recreate && has(changes, Needs::recreate)) {
    context.operation.say(fmt::format("making it anew for {}", keys_of(changes, Needs::recreate)));
    run_steps(context, destroy_steps(), job.journal());
    context.record.created.clear();
    context.record.forwards.clear();
    if (std::any_of(changes.begin(), changes.end(),
                    [](const auto& change) { return change.key == "provider"; }))
      throw Error(ErrorKind::usage, "the machine was removed to change its provider")
          .with_hint("run 'envtool up' again");
  } else if (options.restart && has(changes, Needs::restart)) {
    context.operation.say(fmt::format("restarting it for {}", keys_of(changes, Needs::restart)));
    run_steps(context, halt_steps(StopMode::graceful), job.journal());
  }
  context.state = context.provider.inspect(context.record.backend_name, context.operation);
}

void Engine::Parts::announce_changes(MachineJob& job) {
  MachineContext& context = job.context();
  const std::vector<PendingChange> changes =
      pending_changes(context.config, context.record, context.provider.info());
  for (const std::string& sentence : in_words(changes)) context.operation.say(sentence);
  for (const ProvisionConfig& item : context.config.provision) {
    const auto done = context.record.provisioned.find(item.name);
    if (item.run != RunPolicy::once || done == context.record.provisioned.end()) continue;
    const Provisioner& provisioner = *setup.services.provisioners.find(item.kind);
    if (changed_since(item, &done->second, provisioner.fingerprint(item, config)))
      context.operation.say(
          fmt::format("provisioner '{0}' changed since it ran; 'envtool provision --provision-with "
                      "{0}' runs it again",
                      item.name));
  }
}

bool Engine::Parts::bring_up(MachineJob& job, const UpOptions& options) {
  MachineContext& context = job.context();
  check_kept_disks(context, options.provider);
  run.check_host(context.record.provider, context.config, context.operation);
  recover(context, job.journal());
  mend(context);
  apply_restarting_changes(job, options);
  bool worked;
  try {
    worked = run_steps(context, up_steps(context), job.journal());
  } catch (const Error&) {
    if (options.destroy_on_error && context.created_now) run_steps(context, destroy_steps(), job.journal());
    throw;
  }
  announce_changes(job);
  return worked;
}

Outcome Engine::up(const std::vector<std::string>& machines, const UpOptions& options) {
  Parts& parts = *parts_;
  check_selection(parts.config, options.provision);
  parts.run.only_locked_boxes = options.locked;
  parts.check(machines, options.provider);
  return parts.with_hooks("up", [&](Outcome& outcome) {
    const Parts::Tour tour{.recorded_only = false,
                           .jobs = options.jobs,
                           .provider = options.provider,
                           .selection = options.provision};
    outcome = parts.for_each(machines, tour, [&](MachineJob& job) { return parts.bring_up(job, options); });
    if (options.remove_orphans) {
      std::vector<std::string> orphans;
      for (const MachineConfig& orphan : parts.orphans) orphans.push_back(orphan.name);
      Outcome removed = destroy(orphans);
      for (MachineOutcome& machine : removed.machines) machine.is_removed = true;
      outcome.machines.insert(outcome.machines.end(), removed.machines.begin(), removed.machines.end());
      outcome.interrupted |= removed.interrupted;
      if (removed.project_error) outcome.project_error = removed.project_error;
    }
    parts.finish_project(outcome, options.provision);
    if (!outcome.failed() && !options.remove_orphans) parts.mention_orphans();
  });
}

void Engine::Parts::mention_orphans() {
  std::vector<std::string> names;
  for (const MachineConfig& orphan : orphans) {
    const auto record = MachineStore(*run.environment, orphan.name).load();
    if (record && !record->only_disks) names.push_back("'" + orphan.name + "'");
  }
  if (names.empty()) return;
  project_operation.say(
      fmt::format("not in the Envfile, and left: {} ('envtool up --remove-orphans' destroys {})",
                  join(names, ", "), names.size() == 1 ? "it" : "them"));
}

void Engine::Parts::finish_project(Outcome& outcome, const ProvisionSelection& selection) {
  run.write_inventory(project_operation);
  if (outcome.failed()) return;
  update_hosts();
  provision_all(run, selection, project_operation);
}

void Engine::show_messages(const std::vector<std::string>& machines) {
  Parts& parts = *parts_;
  const auto say = [&](const std::string& speaker, const Value& message, const std::string& machine) {
    if (message.is_null()) return;
    parts.setup.host.reporter.say(
        speaker, expand_late_text(message, parts.run.late_for(machine, parts.project_operation)));
  };
  for (const std::string& name : machines) say(name, parts.machine(name)->message, name);
  const std::vector<MachineConfig>& all = parts.config.machines;
  say("", parts.config.message, all.size() == 1 ? all.front().name : "");
}

Outcome Engine::provision(const std::vector<std::string>& machines, const ProvisionSelection& selection) {
  Parts& parts = *parts_;
  check_selection(parts.config, selection);
  parts.check(machines);
  const auto work = [&](MachineJob& job) {
    MachineContext& context = job.context();
    if (context.state.phase != MachinePhase::running) {
      context.operation.say(
          fmt::format("it is {}; 'envtool up' starts and provisions it", to_string(context.state.phase)));
      return false;
    }
    return run_steps(context, provision_only_steps(context), job.journal());
  };
  return parts.with_hooks("provision", [&](Outcome& outcome) {
    outcome = parts.for_each(machines, {.selection = selection}, work);
    if (!outcome.failed()) provision_all(parts.run, selection, parts.project_operation);
  });
}

std::vector<MachinePlan> Engine::plan(const std::vector<std::string>& machines, const UpOptions& options) {
  Parts& parts = *parts_;
  std::vector<MachinePlan> plans;
  for (const MachineConfig* machine : parts.check(machines, options.provider)) {
    Operation operation{parts.setup.host, machine->name, parts.setup.stop};
    // Without an environment there is nothing on record: a name that nothing has stands for the one to come.
    const Environment environment =
        parts.run.environment.value_or(Environment{"none", parts.config.name, {}, {}});
    const MachineStore store(environment, machine->name);
    MachineRecord record = store.load().value_or(MachineRecord{});
    record.name = machine->name;
    if (record.provider.empty())
      record.provider = parts.run.choose_provider(*machine, options.provider, operation);
    Provider& provider = parts.run.provider(record.provider);
    const MachineConfig wanted = effective_for(*machine, record.provider);
    MachineContext context{.run = parts.run,
                           .config = wanted,
                           .operation = operation,
                           .provider = provider,
                           .store = store,
                           .record = record,
                           .selection = options.provision};
    if (!record.backend_name.empty()) context.state = provider.inspect(record.backend_name, operation);
    plans.push_back(plan_steps(context, up_steps(context)));
    if (!context.created_now) plans.back().left = pending_changes(*machine, record, provider.info());
    // A start takes the Envfile as it is by then.
    if (context.started_now)
      std::erase_if(plans.back().left, [](const auto& change) { return change.needs == Needs::restart; });
  }
  if (!parts.config.provision_all.empty())
    plans.push_back({"", plan_provision_all(parts.run, options.provision)});
  return plans;
}

}  // namespace envtool
