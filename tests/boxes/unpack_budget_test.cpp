#include "boxes/unpack_budget.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"

using namespace envtool;

TEST_CASE("an archive may unpack to much, or to far more than it is, but not both") {
  UnpackBudget small, large;

  CHECK_NOTHROW(small.add_bytes(1U << 30, 1000));
  CHECK_NOTHROW(large.add_bytes(100ULL << 30, 1ULL << 30));
  CHECK_THROWS_WITH(small.add_bytes(1U << 20, 1000), "the archive unpacks to more than 200 times its size");
}

TEST_CASE("an archive may not have entries without end") {
  UnpackBudget budget;

  CHECK_THROWS_AS(
      [&] {
        for (int i = 0; i < 2'000'001; ++i) budget.add_entry();
      }(),
      Error);
}

TEST_CASE("what does not fit on the disk is refused before it is written") {
  const TemporaryDirectory directory;

  CHECK_NOTHROW(check_room(directory.path(), 1));
  try {
    check_room(directory.path(), std::uint64_t{1} << 60);
    FAIL("it fits");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("is free") != std::string::npos);
  }
}
