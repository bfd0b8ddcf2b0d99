#include "core/hooks.h"

#include <fmt/format.h>

#include "base/text.h"

namespace envtool {

namespace {

void run_hook(ProjectRun& run, const HookConfig& hook, Operation& operation) {
  const auto show = [&run](std::string_view line) {
    run.host.reporter.output_line("", run.secrets.mask(std::string(line)));
  };
  LineSplitter output(show), errors(show);
  ProcessSpec spec{{"/bin/sh", "-c", hook.run}};
  spec.directory = run.project.directory;
  spec.environment = {{"ENVTOOL_PROJECT", run.project.name}, {"ENVTOOL_COMMAND", hook.command}};
  spec.on_output = [&](std::string_view chunk) { output.add(chunk); };
  spec.on_error = [&](std::string_view chunk) { errors.add(chunk); };
  spec.ends_with_caller = true;
  const ProcessResult result = operation.run(spec);
  output.finish();
  errors.finish();
  if (result.ok()) return;
  const std::string_view moment = hook.moment == HookMoment::before ? "before" : "after";
  const std::string text =
      fmt::format("the hook {} '{}' exited with status {}", moment, hook.command, result.status);
  if (!hook.continue_on_error) throw Error(ErrorKind::failed, text).at(hook.position);
  operation.say(text + "; going on, as its 'on_error' says", Tone::warning);
}

}  // namespace

void run_hooks(ProjectRun& run, HookMoment moment, const std::string& command, Operation& operation) {
  for (const HookConfig& hook : run.project.hooks)
    if (hook.moment == moment && hook.command == command) run_hook(run, hook, operation);
}

}  // namespace envtool
