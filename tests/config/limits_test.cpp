#include <doctest/doctest.h>

#include <chrono>

#include "config/sample.h"

namespace envtool::test {

TEST_CASE("one line of a mebibyte is read or refused, never a crash") {
  CHECK(machine_of("vars: {a: " + std::string(1 << 20, 'x') + "}\n").vars["a"].as_text().size() == 1 << 20);
  CHECK_FALSE(problems_of(std::string(1 << 20, 'x')).empty());
  CHECK_FALSE(problems_of("hostname: " + std::string(1 << 20, 'x')).empty());
  CHECK_FALSE(problems_of(std::string(1 << 20, '[')).empty());
  CHECK_FALSE(problems_of("a: " + std::string(1 << 20, '{')).empty());
}

TEST_CASE("ten thousand machines are read quickly") {
  std::string text = "box: a\nmachines:\n";
  for (int number = 0; number < 10'000; ++number) text += "  m" + std::to_string(number) + ": {}\n";
  const auto begin = std::chrono::steady_clock::now();

  CHECK(load_text(text).project.machines.size() == 10'000);
  CHECK(load_text("machines: {m: {count: 10000}}\n").project.machines.size() == 10'000);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(120));
}

TEST_CASE("many machines that each say much are refused") {
  std::string text = "machines: {m: {count: 10000}}\nvars:\n";
  for (int number = 0; number < 1000; ++number) text += "  v" + std::to_string(number) + ": 1\n";

  CHECK(problems_of(text).find("expand to more than") != std::string::npos);
}

TEST_CASE("keys of a large map are not searched one by one") {
  std::string text = "vars:\n";
  for (int number = 0; number < 40'000; ++number) text += "  v" + std::to_string(number) + ": 1\n";

  CHECK(machine_of(text).vars.members().size() == 40'000);
}

TEST_CASE("text of any kind arrives as it is") {
  const char* odd[] = {"-dash", "it's", "a \"b\"", "line\nbreak", "\xC3\xA9\xE2\x82\xAC", " lead and trail ",
                       "%",     "a: b", "#x"};
  for (const char* text : odd) {
    CAPTURE(text);
    const std::string quoted = to_json(Value(text));

    const MachineConfig machine = machine_of("provision: [{shell: {path: a, args: [" + quoted + "]}}]\n");

    CHECK(machine.provision[0].options["args"].items().at(0) == Value(text));
  }
}

}  // namespace envtool::test
