#include <doctest/doctest.h>

#include "places.h"
#include "program/real_tables.h"

using namespace envtool;

TEST_CASE("every example is valid, and can be planned") {
  int examples = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source_directory / "examples")) {
    if (!entry.is_directory()) continue;
    CAPTURE(entry.path());
    RealTables world;
    world.working_directory = entry.path();
    ++examples;

    const CliResult valid = run_cli(world, {"validate", "--trust"});
    const CliResult plan = run_cli(world, {"plan", "--trust", "--exit-code"});

    CHECK_MESSAGE(valid.code == 0, valid.errors);
    CHECK_MESSAGE(plan.code == 10, plan.errors);
    CHECK(std::filesystem::exists(entry.path() / "README.md"));
  }
  CHECK(examples >= 4);
}
