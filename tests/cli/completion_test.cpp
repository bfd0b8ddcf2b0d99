#include <doctest/doctest.h>

#include "base/text.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

/// The candidates' words, without what they mean.
std::vector<std::string> complete(TestWorld& world, std::vector<std::string> words) {
  words.insert(words.begin(), {"__complete", "--"});
  std::vector<std::string> found;
  for (const std::string& line : split(run_cli(world, words).output, '\n'))
    if (!line.empty()) found.push_back(line.substr(0, line.find('\t')));
  return found;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("commands, options and machines are completed") {
  TestWorld world;
  world.write_envfile("machines: {db: {}, web: {count: 2, provision: [{name: setup, note: x}]}}\n");

  CHECK(complete(world, {"st"}) == Words{"status"});
  CHECK(complete(world, {"up", "--prov"}) == Words{"--provider", "--provision", "--provision-with"});
  CHECK(complete(world, {"up", ""}) == Words{"db", "web", "web-1", "web-2"});
  CHECK(complete(world, {"up", "db", "web-"}) == Words{"web-1", "web-2"});
  CHECK(complete(world, {"ssh", "db", ""}).empty());
  CHECK(complete(world, {"up", "--provider", ""}) == Words{"fake"});
  CHECK(complete(world, {"up", "--provider=f"}) == Words{"--provider=fake"});
  CHECK(complete(world, {"up", "--provider", "=", "f"}) == Words{"fake"});
  CHECK(complete(world, {"provision", "--provision-with", ""}) == Words{"setup"});
  CHECK(complete(world, {"-C", ""}) == Words{":directories"});
  CHECK(complete(world, {"exec", "db", "--", ""}) == Words{":files"});
  CHECK(complete(world, {"completion", "b"}) == Words{"bash"});
  CHECK(complete(world, {"bo"}) == Words{"box"});
  CHECK(complete(world, {"box", "--json", "l"}) == Words{"list"});
  CHECK(complete(world, {"box", "add", "--pro"}) == Words{"--provider"});
  CHECK(complete(world, {"package", "--"}).size() > 4);
  CHECK(complete(world, {"package", "--output", ""}) == Words{":files"});
  CHECK(complete(world, {"package", "d"}) == Words{"db"});
}

TEST_CASE("completion is silent where there is no Envfile or a bad one") {
  TestWorld world;

  CHECK(complete(world, {"up", ""}).empty());
  world.write("Envfile", "{{{");
  CHECK(run_cli(world, {"__complete", "--", "up", ""}).errors.empty());
}

TEST_CASE("completion heeds the -C of the line") {
  TestWorld world;
  world.write_envfile("machines: {far: {}}\n");
  world.working_directory = world.home();

  CHECK(complete(world, {"-C", world.project().string(), "up", ""}) == Words{"far"});
}

TEST_CASE("each shell gets a script, another shell a message") {
  TestWorld world;
  for (const char* shell : {"bash", "zsh", "fish"})
    CHECK(run_cli(world, {"completion", shell}).output.find("__complete") != std::string::npos);
  CHECK(run_cli(world, {"completion", "tcsh"}).code == 2);
}

TEST_CASE("the bash script completes what the program answers") {
  TestWorld world;
  const std::string script = run_cli(world, {"completion", "bash"}).output;
  const std::string driver =
      script +
      "\nfake() { [ \"$1\" = __complete ] && shift 2; printf 'web\\tmachine\\n'; printf 'with space\\tx\\n'; "
      "printf '%s\\n' \"$@\"; }\n"
      "COMP_WORDS=(fake up ''); COMP_CWORD=2; _envtool; printf '<%s>' \"${COMPREPLY[@]}\"\n";

  const ProcessResult result = SystemProcessRunner().run({.argv = {"bash", "-c", driver}}, {});

  CHECK(result.output == "<web><with space><up><>");
}
