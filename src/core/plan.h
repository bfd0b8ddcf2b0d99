#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/operation.h"

namespace envtool {

struct MachineContext;

/// Whether a step has work, and why, in words for `envtool plan`.
struct Need {
  bool due = false;
  std::string why = {};

  static Need none() { return {}; }
  static Need because(std::string why) { return {true, std::move(why)}; }
};

/// What a step changes for those after it, so that a plan can be told without running it. `looks` changes
/// nothing at all: such a step alone is no work.
enum class StepEffect { none, looks, creates, starts, resumes, stops, removes };

/// One step of bringing a machine somewhere: data, so that a plan can be printed and tested without running
/// it.
struct Step {
  std::string name;   ///< short, stable, for the journal and JSON: "create", "provision:setup"
  std::string title;  ///< for people: "create from debian/bookworm"
  StepEffect effect = StepEffect::none;
  /// Asks the world, not the journal. May be called while planning: changes nothing.
  std::function<Need(MachineContext&)> need;
  std::function<void(MachineContext&)> run;
  /// Takes back what a failed or interrupted `run` may have left; empty where `run` leaves nothing.
  std::function<void(MachineContext&)> undo = {};
};

struct PlannedStep {
  std::string name;
  std::string title;
  Need need;
  StepEffect effect = StepEffect::none;
  bool is_work() const { return need.due && effect != StepEffect::looks; }
};

/// A change in the Envfile that the running machine does not have yet.
struct PendingChange {
  std::string key;
  enum class Needs { up, restart, recreate } needs;
};

/// A sentence for each way in which they come about.
std::vector<std::string> in_words(const std::vector<PendingChange>& left);

struct MachinePlan {
  std::string machine;
  std::vector<PlannedStep> steps;
  std::vector<PendingChange> left = {};  ///< what `up` leaves as it is unless told otherwise
  bool has_work() const;
};

}  // namespace envtool
