#include "base/architecture.h"

#include <doctest/doctest.h>

using namespace envtool;

TEST_CASE("the kernel's machine names are known by the names that boxes have") {
  CHECK(box_architecture("x86_64") == "amd64");
  CHECK(box_architecture("aarch64") == "arm64");
  CHECK(box_architecture("i686") == "i386");
  CHECK(box_architecture("sparc64") == "sparc64");
}
