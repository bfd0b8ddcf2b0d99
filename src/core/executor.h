#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/context.h"
#include "core/plan.h"

namespace envtool {

/// Evaluates steps without running them; each due step's effect counts for those after it.
MachinePlan plan_steps(MachineContext& context, const std::vector<Step>& steps);

/// Runs the steps that are due, each between journal lines, and tells the reporter. A failed or interrupted
/// step is undone as far as it can be, and what went wrong is thrown on. Returns whether anything was done.
bool run_steps(MachineContext& context, const std::vector<Step>& steps, Journal& journal);

/// Looks at what a killed run left half done and takes it back: a create that was begun and not finished is
/// destroyed. Under the machine's lock.
void recover(MachineContext& context, Journal& journal);

}  // namespace envtool
