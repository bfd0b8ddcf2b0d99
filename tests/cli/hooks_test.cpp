#include <doctest/doctest.h>

#include "base/text.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A world whose hooks succeed, and the hooks that have run in it.
struct HookWorld : TestWorld {
  HookWorld() {
    processes.answer = [this](const ProcessSpec& spec) {
      ran.push_back(spec.argv.back());
      CHECK(spec.directory == project());
      CHECK(spec.environment.at("ENVTOOL_COMMAND") == command);
      return ProcessResult{.status = spec.argv.back() == "fail" ? 3 : 0, .output = {}, .error = {}};
    };
  }

  /// What ran meanwhile.
  std::string hooks_of(const std::vector<std::string>& words) {
    ran.clear();
    command = words.front();
    last = run_cli(*this, words);
    return join(ran, " ");
  }

  std::string command;
  std::vector<std::string> ran;
  CliResult last;
};

}  // namespace

TEST_CASE("hooks run before and after the command that they name") {
  HookWorld world;
  std::string hooks = "hooks:\n";
  for (const std::string command : {"up", "provision", "halt", "destroy"})
    for (const std::string moment : {"before", "after"})
      hooks += "  - {" + moment + ": " + command + ", run: " + moment + "-" + command + "}\n";
  world.write_envfile(hooks);

  CHECK(world.hooks_of({"up"}) == "before-up after-up");
  CHECK(world.hooks_of({"provision"}) == "before-provision after-provision");
  CHECK(world.hooks_of({"status"}).empty());
  CHECK(world.hooks_of({"halt"}) == "before-halt after-halt");
  CHECK(world.hooks_of({"destroy", "--yes"}) == "before-destroy after-destroy");
  CHECK(world.last.code == 0);
}

TEST_CASE("a reload has hooks of its own") {
  HookWorld world;
  world.write_envfile("hooks: [{before: reload, run: first}, {after: reload, run: last}]\n");
  run_cli(world, {"up"});

  CHECK(world.hooks_of({"reload"}) == "first last");
}

TEST_CASE("a hook that fails stops the command, unless it may") {
  HookWorld world;
  world.write_envfile("hooks: [{before: up, run: fail}, {before: halt, run: fail, on_error: continue}]\n");

  CHECK(world.hooks_of({"up"}) == "fail");
  CHECK(world.last.code == 1);
  CHECK(has(world.last.errors, "the hook before 'up' exited with status 3\n  --> Envfile:3:"));
  CHECK(world.backend.machines().empty());
  CHECK(world.hooks_of({"up", "--provision"}) == "fail");

  world.write_envfile("hooks: [{before: up, run: fail, on_error: continue}]\n");
  CHECK(world.hooks_of({"up"}) == "fail");
  CHECK(world.last.code == 0);
  CHECK(has(world.last.errors,
            "warning: the hook before 'up' exited with status 3; going on, as its 'on_error' says"));
  CHECK(world.backend.machines().size() == 1);
}

TEST_CASE("after a command that failed no hook runs") {
  HookWorld world;
  world.write_envfile("hooks: [{after: up, run: celebrate}]\n");
  world.backend.break_at("start", "power cut");

  CHECK(world.hooks_of({"up"}).empty());
  CHECK(world.last.code == 1);
}
