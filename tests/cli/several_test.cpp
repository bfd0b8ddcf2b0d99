#include <doctest/doctest.h>

#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A project of web-1, web-2 and db, all running.
struct Shop : TestWorld {
  Shop() {
    write_envfile("machines: {db: {}, web: {count: 2, primary: true}}\n");
    REQUIRE(run_cli(*this, {"up"}).code == 0);
  }
};

}  // namespace

TEST_CASE("info of a block or a glob tells of all its machines") {
  Shop world;

  const CliResult block = run_cli(world, {"info", "web"});
  const Value list = parse_json(run_cli(world, {"info", "--json", "web-*"}).output, "info");
  const Value one = parse_json(run_cli(world, {"info", "--json", "web-2"}).output, "info");

  CHECK(has(block.output, "web-1"));
  CHECK(has(block.output, "\n\nmachine    web-2"));
  CHECK_FALSE(has(block.output, "shop-db"));
  REQUIRE(list["machines"].items().size() == 2);
  CHECK(list["machines"].items()[1]["name"] == Value("web-2"));
  CHECK(one["name"] == Value("web-2"));
}

TEST_CASE("port of a block tells of all its machines, also that there is none") {
  Shop world;

  const CliResult none = run_cli(world, {"port", "web"});
  const CliResult guest = run_cli(world, {"port", "web", "--guest", "80"});
  const Value list = parse_json(run_cli(world, {"port", "--json", "web"}).output, "port");

  CHECK(none.code == 0);
  CHECK(none.output.empty());
  CHECK(none.errors == "no host port leads into 'web-1'\nno host port leads into 'web-2'\n");
  CHECK(guest.code == 1);
  CHECK(has(guest.errors, "no host port leads to port 80 of machine 'web-1'"));
  CHECK(list["machines"].items().size() == 2);
}

TEST_CASE("where only one machine can be meant, a block is an error that names them") {
  Shop world;
  world.write("dump.sql", "x");

  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"cp", "dump.sql", "web:/tmp/"},
                                             {"ssh", "web-*"},
                                             {"exec", "web", "--", "true"},
                                             {"logs", "web"}}) {
    CAPTURE(words.front());
    const CliResult result = run_cli(world, words);

    CHECK(result.code == 2);
    CHECK(has(result.errors, "means several machines\n  hint: name one of: web-1, web-2\n"));
  }
  CHECK(run_cli(world, {"logs"}).code == 0);
}

TEST_CASE("with a mistake in the Envfile, commands that do without it say how") {
  Shop world;
  world.write_envfile("memroy: 1GiB\ncpus: many\nmachines: {db: {}}\n");

  for (const std::string name : {"status", "halt", "destroy", "ssh", "logs", "port", "info"}) {
    CAPTURE(name);
    const CliResult result = run_cli(world, {name});

    CHECK(result.code == 3);
    CHECK(has(result.errors, "hint: did you mean 'memory'?\n"));
    CHECK(result.errors.ends_with(
        "hint: '@shop' and '@shop/MACHINE' reach its machines without the Envfile\n"));
  }
  CHECK_FALSE(has(run_cli(world, {"up"}).errors, "@shop"));
  CHECK(has(run_cli(world, {"port", "@shop/db"}).errors, "no host port leads into 'db'"));
  CHECK(run_cli(world, {"halt", "@shop"}).code == 0);
  std::filesystem::remove(world.project() / "Envfile");
  CHECK(has(run_cli(world, {"status"}).errors, "hint: 'envtool init' writes one; '@shop' and "));
  CHECK(run_cli(world, {"destroy", "@shop", "--yes"}).code == 0);
  CHECK_FALSE(has(run_cli(world, {"status"}).errors, "@shop"));
}
