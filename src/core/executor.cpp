#include "core/executor.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/capabilities.h"
#include "core/packaging.h"

namespace envtool {

namespace {

/// What the step leads to, so that the needs of later steps see it.
void foresee(MachineContext& context, StepEffect effect) {
  switch (effect) {
    case StepEffect::none:
    case StepEffect::looks:
      break;
    case StepEffect::creates:
      context.created_now = true;
      context.state.phase = MachinePhase::stopped;
      break;
    case StepEffect::starts:
      context.started_now = true;
      context.state.phase = MachinePhase::running;
      break;
    case StepEffect::resumes:
      context.state.phase = MachinePhase::running;
      break;
    case StepEffect::stops:
      context.state.phase = MachinePhase::stopped;
      break;
    case StepEffect::removes:
      context.state.phase = MachinePhase::absent;
      break;
  }
}

/// Undoing goes on although the user wants to stop, and its own failure must not hide why it was needed.
void undo(MachineContext& context, const Step& step) {
  if (!step.undo) return;
  std::stop_token stopped = std::exchange(context.operation.stop, {});
  try {
    step.undo(context);
  } catch (const Error& error) {
    context.operation.say(fmt::format("could not undo '{}': {}", step.title, error.what()), Tone::warning);
  }
  context.operation.stop = std::move(stopped);
}

void run_step(MachineContext& context, const Step& step, Journal& journal) {
  Reporter& reporter = context.operation.host.reporter;
  const Clock& clock = context.operation.host.clock;
  const auto started = clock.now();
  const auto finish = [&](StepOutcome outcome) {
    const auto elapsed = std::chrono::duration_cast<std::chrono::milliseconds>(clock.now() - started);
    reporter.step_finished(context.config.name, step.title, outcome, elapsed);
  };
  context.operation.check_stop();
  reporter.step_started(context.config.name, step.title);
  try {
    journal.begin(step.name);
    step.run(context);
    if (step.effect != StepEffect::removes) journal.done(step.name);
  } catch (const Interrupted&) {
    finish(StepOutcome::interrupted);
    undo(context, step);
    throw;
  } catch (...) {
    finish(StepOutcome::failed);
    undo(context, step);
    throw;
  }
  finish(StepOutcome::done);
}

}  // namespace

bool MachinePlan::has_work() const {
  return std::any_of(steps.begin(), steps.end(), [](const PlannedStep& step) { return step.is_work(); });
}

MachinePlan plan_steps(MachineContext& context, const std::vector<Step>& steps) {
  context.planning = true;
  MachinePlan plan{context.config.name, {}};
  for (const Step& step : steps) {
    Need need = step.need(context);
    if (need.due) foresee(context, step.effect);
    plan.steps.push_back({step.name, step.title, std::move(need), step.effect});
  }
  return plan;
}

bool run_steps(MachineContext& context, const std::vector<Step>& steps, Journal& journal) {
  bool worked = false;
  for (const Step& step : steps) {
    if (!step.need(context).due) continue;
    run_step(context, step, journal);
    foresee(context, step.effect);
    if (step.effect != StepEffect::looks) worked = true;
  }
  journal.clear();
  return worked;
}

void recover(MachineContext& context, Journal& journal) {
  const std::vector<std::string> unfinished = journal.unfinished();
  const auto was_cut_off = [&](const char* step) {
    return std::find(unfinished.begin(), unfinished.end(), step) != unfinished.end();
  };
  const bool unrecorded = !context.record.backend_name.empty() && context.record.created.empty() &&
                          context.state.phase != MachinePhase::absent;
  if (was_cut_off("create") || unrecorded) {
    context.operation.say("an earlier run was cut off while creating it; starting over");
    context.provider.destroy(context.record.backend_name, context.run.environment->id, context.operation);
    context.state = context.provider.inspect(context.record.backend_name, context.operation);
    context.record.created.clear();
  } else if (was_cut_off("start") || was_cut_off("stop") || was_cut_off("restore")) {
    // The backend may still be at it, which stop() waits for, and what half a start or stop lacks cannot be
    // asked.
    if (was_cut_off("start") && context.state.phase == MachinePhase::running)
      context.operation.say("an earlier run was cut off while starting it; starting over");
    context.provider.stop(context.record.backend_name, StopMode::hard, {}, context.operation);
    context.state = context.provider.inspect(context.record.backend_name, context.operation);
  }
  const bool is_alive =
      context.state.phase == MachinePhase::running || context.state.phase == MachinePhase::paused;
  if (was_cut_off("package") || was_cut_off("package:paused")) abandon_package(context);
  // The provider may still be at it, which resume() waits for, or was cut off and did not let it go on.
  if ((was_cut_off("snapshot") || was_cut_off("package")) && is_alive)
    if (Suspend* const suspend = power_of<Suspend>(context.provider)) {
      suspend->resume(context.record.backend_name, context.operation);
      context.state = context.provider.inspect(context.record.backend_name, context.operation);
    }
  std::size_t erased = 0;
  for (const std::string& step : unfinished)
    if (step.starts_with("provision:")) erased += context.record.provisioned.erase(step.substr(10));
  if (erased > 0) context.save();
  journal.clear();
}

}  // namespace envtool
