// The provider conformance suite over a provider of this build and its real backend; see lxc_conformance.sh.
// What a case leaves is the script's to remove: every machine carries $CONFORMANCE_ENVIRONMENT.

#include "conformance/provider_conformance.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "base/shell.h"
#include "core/registry.h"
#include "support/scripted_host.h"

using namespace envtool;

namespace {

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  REQUIRE_MESSAGE(value != nullptr, name << " is not set");
  return value;
}

EnvironmentVariables given(std::initializer_list<const char*> names) {
  EnvironmentVariables variables;
  for (const char* name : names)
    if (const char* const value = std::getenv(name)) variables[name] = value;
  return variables;
}

struct RealWorld {
  SystemProcessRunner processes;
  SystemClock clock;
  RecordingReporter reporter;
  EnvironmentVariables variables = given({"ENVTOOL_HOME", "ENVTOOL_ROOT", "XDG_RUNTIME_DIR"});
  Host host{
      processes, clock, reporter, variables, host_paths(variables, variable("HOME"), variable("ENVTOOL")),
      "/"};
  Operation operation{host, "web", {}};
  ProviderRegistry registry;
  std::unique_ptr<Provider> provider;
  std::optional<ProviderUnderTest> test;

  RealWorld() {
    register_all_providers(registry);
    provider = registry.make(variable("CONFORMANCE_PROVIDER"), host);
    test.emplace(ProviderUnderTest{.provider = *provider,
                                   .operation = operation,
                                   .box = {.digest = variable("CONFORMANCE_DIGEST"),
                                           .name = "the recipe's",
                                           .version = "0",
                                           .format = provider->info().box_formats.front(),
                                           .directory = variable("CONFORMANCE_BOX"),
                                           .metadata = {},
                                           .defaults = {}},
                                   .environment_id = variable("CONFORMANCE_ENVIRONMENT"),
                                   .kill = [this](const std::string& name) { kill(name); }});
  }

  /// By the shell command in $CONFORMANCE_KILL, whose "$1" is the machine.
  void kill(const std::string& name) {
    const ProcessSpec spec{.argv = {"sh", "-c", variable("CONFORMANCE_KILL"), "sh", name}};
    const ProcessResult result = processes.run(spec, {});
    REQUIRE_MESSAGE(result.ok(), describe_failure(spec, result));
  }
};

}  // namespace

TEST_CASE_FIXTURE(RealWorld, "a machine lives from create to destroy") { check_life_of_a_machine(*test); }
TEST_CASE_FIXTURE(RealWorld, "creating twice is refused and harms nothing") { check_creating_twice(*test); }
TEST_CASE_FIXTURE(RealWorld, "what is not there is stopped and destroyed already") {
  check_absent_machines(*test);
}
TEST_CASE_FIXTURE(RealWorld, "a killed machine does not run and starts again") {
  check_inspect_after_a_kill(*test);
}
TEST_CASE_FIXTURE(RealWorld, "odd names are names") { check_odd_names(*test); }
TEST_CASE_FIXTURE(RealWorld, "two machines are made at once") { check_two_at_once(*test); }
TEST_CASE_FIXTURE(RealWorld, "a machine of another environment is not touched") {
  check_foreign_machines(*test);
}
TEST_CASE_FIXTURE(RealWorld, "the listed capabilities are those it has") { check_capabilities(*test); }
TEST_CASE_FIXTURE(RealWorld, "a machine is paused and goes on") { check_suspend(*test); }
TEST_CASE_FIXTURE(RealWorld, "snapshots are saved, restored and deleted") { check_snapshots(*test); }
TEST_CASE_FIXTURE(RealWorld, "the disk can be had for a box") { check_package(*test); }
TEST_CASE_FIXTURE(RealWorld, "limits change while it runs") { check_limits(*test); }
TEST_CASE_FIXTURE(RealWorld, "usage is told of what runs") { check_usage(*test); }
TEST_CASE_FIXTURE(RealWorld, "kept disks outlive their machine") { check_kept_disks(*test); }
