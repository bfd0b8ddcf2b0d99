#pragma once

#include <string>

#include "core/context.h"

namespace envtool {

/// Runs the Envfile's hooks of that moment and command on the host, in the project's directory, by `sh -c`,
/// their output going to the reporter. Throws Error(failed) at the first that fails without `on_error:
/// continue`.
void run_hooks(ProjectRun& run, HookMoment moment, const std::string& command, Operation& operation);

}  // namespace envtool
