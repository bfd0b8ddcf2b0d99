#include <fmt/format.h>

#include <algorithm>

#include "cli/commands/commands.h"
#include "cli/commands/views.h"
#include "cli/session.h"
#include "cli/style.h"

namespace envtool {

namespace {

Value to_value(const std::vector<MachinePlan>& plans) {
  Value machines = Value::list();
  for (const MachinePlan& plan : plans) {
    Value steps = Value::list();
    for (const PlannedStep& step : plan.steps)
      steps.push_back(Value::map(
          {{"step", step.name}, {"title", step.title}, {"due", step.need.due}, {"why", step.need.why}}));
    machines.push_back(Value::map({{"machine", plan.machine},
                                   {"has_work", plan.has_work()},
                                   {"steps", steps},
                                   {"left", to_value(plan.left)}}));
  }
  return Value::map({{"machines", machines}});
}

/// Steps that have nothing to do are shown with `all`.
std::string to_text(const std::vector<MachinePlan>& plans, bool all) {
  std::string text;
  for (const MachinePlan& plan : plans) {
    const std::string name = plan.machine.empty() ? "all machines" : plan.machine;
    text += plan.has_work() ? name + "\n" : fmt::format("{}: nothing to do\n", name);
    std::vector<std::vector<std::string>> rows;
    for (const PlannedStep& step : plan.steps) {
      if (step.need.due && plan.has_work())
        rows.push_back({"+", step.title, step.need.why});
      else if (all)
        rows.push_back({" ", step.title, "nothing to do"});
    }
    text += table(rows, "  ");
    for (const std::string& sentence : in_words(plan.left)) text += fmt::format("  {}\n", sentence);
  }
  return text;
}

}  // namespace

Command plan_command() {
  struct Options {
    std::vector<std::string> machines;
    UpOptions up;
    bool exit_code = false;
  };
  const auto options = std::make_shared<Options>();
  Command command{
      .name = "plan",
      .group = group::machines,
      .summary = "show what 'up' would do, and why",
      .description =
          "Step by step, without changing anything. With -v also the steps that have nothing to do.",
      .options = {text_option(0, "provider", "NAME", options->up.provider,
                              "for machines that are not created yet"),
                  flag(0, "exit-code", options->exit_code, "exit 10 when there is work to do")},
      .arguments = {machine_arguments(options->machines)},
  };
  command.options[0].completes = Completes::providers;
  command.run = [options](Session& session) {
    const Session::Target target = session.open(options->machines);
    const auto plans = target.engine.plan(target.engine.select(target.machines, false), options->up);
    session.show(to_text(plans, session.options.verbose), to_value(plans));
    const bool work =
        std::any_of(plans.begin(), plans.end(), [](const MachinePlan& plan) { return plan.has_work(); });
    return options->exit_code && work ? exit_code::work_to_do : exit_code::done;
  };
  return command;
}

}  // namespace envtool
