#include "core/provisioning.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

const ProvisionRecord done{"f1", "2024-05-01T10:20:30Z"};

bool due(RunPolicy policy, const ProvisionRecord* record, const ProvisionSelection& selection = {},
         const std::string& fingerprint = "f1") {
  ProvisionConfig item;
  item.name = "setup";
  item.kind = "shell";
  item.run = policy;
  return provision_need(item, record, selection, [&] { return fingerprint; }).due;
}

}  // namespace

TEST_CASE("what has not succeeded is due, unless it never runs by itself") {
  CHECK(due(RunPolicy::once, nullptr));
  CHECK(due(RunPolicy::changed, nullptr));
  CHECK(due(RunPolicy::always, nullptr));
  CHECK_FALSE(due(RunPolicy::never, nullptr));
}

TEST_CASE("what has succeeded is due by its policy") {
  CHECK_FALSE(due(RunPolicy::once, &done));
  CHECK_FALSE(due(RunPolicy::once, &done, {}, "f2"));
  CHECK(due(RunPolicy::always, &done));
  CHECK_FALSE(due(RunPolicy::changed, &done));
  CHECK(due(RunPolicy::changed, &done, {}, "f2"));
}

TEST_CASE("asking for provisioning runs what is done, but not what never runs by itself") {
  CHECK(due(RunPolicy::once, &done, {.forced = true}));
  CHECK_FALSE(due(RunPolicy::never, &done, {.forced = true}));
}

TEST_CASE("naming a provisioner or a kind runs just those") {
  CHECK(due(RunPolicy::never, nullptr, {.only = {"setup"}}));
  CHECK(due(RunPolicy::once, &done, {.only = {"shell"}}));
  CHECK_FALSE(due(RunPolicy::always, nullptr, {.only = {"other"}}));
}

TEST_CASE("no provisioning means none") { CHECK_FALSE(due(RunPolicy::always, nullptr, {.disabled = true})); }

TEST_CASE("a once provisioner that changed since it ran is noticed") {
  ProvisionConfig item;
  item.run = RunPolicy::once;

  CHECK(changed_since(item, &done, "f2"));
  CHECK_FALSE(changed_since(item, &done, "f1"));
  CHECK_FALSE(changed_since(item, nullptr, "f2"));
}

TEST_CASE("selecting a provisioner that is nowhere is refused with the nearest name") {
  ProjectConfig project;
  MachineConfig machine;
  ProvisionConfig item;
  item.name = "setup";
  item.kind = "shell";
  machine.provision.push_back(item);
  project.machines.push_back(machine);

  try {
    check_selection(project, {.only = {"setpu"}});
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.hint() == "did you mean 'setup'?");
  }
}
