#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/plan.h"

namespace envtool {

/// Whether a provisioner runs now, by its policy, what is on record (null: never succeeded) and the command
/// line. `fingerprint` is asked only where the answer depends on it.
Need provision_need(const ProvisionConfig& item, const ProvisionRecord* done,
                    const ProvisionSelection& selection, const std::function<std::string()>& fingerprint);

/// Whether a `once` provisioner was changed since it ran, which `up` says and leaves.
bool changed_since(const ProvisionConfig& item, const ProvisionRecord* done, const std::string& fingerprint);

/// What a provisioner runs with, but for its communicator; the inventory is written anew.
ProvisionContext provision_context(ProjectRun& run, std::vector<std::string> machines, Operation& operation);

/// The items of `provision_all` that are due; runs them and keeps their record. Throws at the first that
/// fails.
void provision_all(ProjectRun& run, const ProvisionSelection& selection, Operation& operation);
std::vector<PlannedStep> plan_provision_all(ProjectRun& run, const ProvisionSelection& selection);

/// Throws Error(usage) with near names when `only` names nothing in the project.
void check_selection(const ProjectConfig& project, const ProvisionSelection& selection);

}  // namespace envtool
