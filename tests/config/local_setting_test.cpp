#include "config/local_setting.h"

#include <doctest/doctest.h>

#include "base/error.h"

namespace envtool::test {

namespace {

std::string set(const std::string& text, const std::vector<std::string>& keys, const std::string& value) {
  return with_setting(text, keys, value, "Envfile.local");
}

}  // namespace

TEST_CASE("a setting goes into an empty file, or behind its comments") {
  CHECK(set("", {"cpus"}, "2") == "cpus: 2\n");
  CHECK(set("# mine\n", {"machines", "web", "cpus"}, "2") == "# mine\nmachines:\n  web:\n    cpus: 2\n");
}

TEST_CASE("a setting takes the place of its old value, and comments stay") {
  CHECK(set("memory: 1GiB  # too much?\ncpus: 1\n", {"memory"}, "512MiB") ==
        "memory: 512MiB  # too much?\ncpus: 1\n");
  CHECK(set("machines: {web: {cpus: '1', memory: 1GiB}}\n", {"machines", "web", "cpus"}, "2") ==
        "machines: {web: {cpus: 2, memory: 1GiB}}\n");
}

TEST_CASE("a new setting goes into the map that is there") {
  CHECK(set("# mine\nports: [80]\n", {"cpus"}, "2") == "# mine\ncpus: 2\nports: [80]\n");
  CHECK(set("machines:\n    web:\n        memory: 1GiB\n", {"machines", "web", "cpus"}, "2") ==
        "machines:\n    web:\n        cpus: 2\n        memory: 1GiB\n");
  CHECK(set("machines:\n  db: {}\n", {"machines", "web", "cpus"}, "2") ==
        "machines:\n  web:\n    cpus: 2\n  db: {}\n");
  CHECK(set("machines: {db: {}}\n", {"machines", "web", "cpus"}, "2") ==
        "machines: {web: {cpus: 2}, db: {}}\n");
  CHECK(set("machines: {db: {}}\n", {"machines", "db", "cpus"}, "2") == "machines: {db: {cpus: 2}}\n");
}

TEST_CASE("what would change more than the setting is refused with the lines to write") {
  for (const char* text : {"a: &x {cpus: 1}\nmachines: {web: *x}\n", "machines:\n  web:\n", "cpus: [1]\n",
                           "- a list\n", "not: [yaml\n"}) {
    CAPTURE(text);
    try {
      set(text, {"machines", "web", "cpus"}, "2");
      CHECK(std::string(text).starts_with("cpus"));
    } catch (const Error& error) {
      CHECK(error.hint().find("machines:\n    web:\n      cpus: 2\n") != std::string::npos);
    }
  }
}

}  // namespace envtool::test
