#include <doctest/doctest.h>

#include "conformance/provider_conformance.h"
#include "support/fake_clock.h"
#include "support/fake_processes.h"
#include "support/fake_provider.h"
#include "support/scripted_host.h"

using namespace envtool;

namespace {

struct FakeWorld {
  FakeBackend backend;
  FakeProvider provider{backend};
  FakeProcesses processes;
  FakeClock clock;
  RecordingReporter reporter;
  Host host{processes, clock, reporter, {}, {}, "/"};
  Operation operation{host, "web", {}};
  ProviderUnderTest test{.provider = provider,
                         .operation = operation,
                         .box = {.digest = "d",
                                 .name = "fake/box",
                                 .version = "1",
                                 .format = "fake",
                                 .directory = "/",
                                 .metadata = {},
                                 .defaults = {}},
                         .environment_id = "0123456789abcdef",
                         .kill = [this](const std::string& name) { backend.kill(name); }};
};

}  // namespace

TEST_CASE_FIXTURE(FakeWorld, "fake: a machine lives from create to destroy") {
  check_life_of_a_machine(test);
}
TEST_CASE_FIXTURE(FakeWorld, "fake: creating twice is refused and harms nothing") {
  check_creating_twice(test);
}
TEST_CASE_FIXTURE(FakeWorld, "fake: what is not there is stopped and destroyed already") {
  check_absent_machines(test);
}
TEST_CASE_FIXTURE(FakeWorld, "fake: a killed machine does not run and starts again") {
  check_inspect_after_a_kill(test);
}
TEST_CASE_FIXTURE(FakeWorld, "fake: odd names are names") { check_odd_names(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: two machines are made at once") { check_two_at_once(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: a machine of another environment is not touched") {
  check_foreign_machines(test);
}
TEST_CASE_FIXTURE(FakeWorld, "fake: the listed capabilities are those it has") { check_capabilities(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: a machine is paused and goes on") { check_suspend(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: snapshots are saved, restored and deleted") { check_snapshots(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: the disk can be had for a box") { check_package(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: limits change while it runs") { check_limits(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: usage is told of what runs") { check_usage(test); }
TEST_CASE_FIXTURE(FakeWorld, "fake: kept disks outlive their machine") { check_kept_disks(test); }

TEST_CASE_FIXTURE(FakeWorld, "fake: a create that breaks off leaves something that destroy removes") {
  backend.break_at("create", "power cut");
  CHECK_THROWS_AS(provider.create(conformance_spec(test, "half"), test.box, operation), Error);
  CHECK(provider.inspect("half", operation).phase == MachinePhase::broken);

  provider.destroy("half", test.environment_id, operation);

  CHECK(provider.inspect("half", operation).phase == MachinePhase::absent);
}
