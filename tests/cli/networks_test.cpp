#include <doctest/doctest.h>

#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// The lines of a machine's hosts file that are not about itself, as its provider was told.
std::string hosts_of(const TestWorld& world, const std::string& machine) {
  std::string text;
  for (const auto& [name, made] : world.backend.machines())
    if (name.find("-" + machine + "-") != std::string::npos)
      for (const HostsEntry& entry : made.spec.hosts) {
        text += entry.address;
        for (const std::string& word : entry.names) text += " " + word;
        text += "\n";
      }
  return text;
}

const char* const two_machines =
    "machines:\n"
    "  db: {aliases: [data.test], networks: [{name: storage, subnet: 10.30.0.0/24, ip: 11}, backend]}\n"
    "  web: {depends_on: [db], networks: [backend, {name: storage, ip: 12}]}\n"
    "  other: {depends_on: [db]}\n";

}  // namespace

TEST_CASE("in a network that two machines share, a name is the address there, of the reader's first") {
  TestWorld world;
  world.write_envfile(two_machines);

  REQUIRE(run_cli(world, {"up"}).code == 0);

  CHECK(has(hosts_of(world, "web"), "10.98.7.3 db data.test db.backend\n10.30.0.11 db.storage\n"));
}

TEST_CASE("who shares no network with a machine knows it by the address that every machine has") {
  TestWorld world;
  world.write_envfile(two_machines);

  REQUIRE(run_cli(world, {"up"}).code == 0);

  CHECK(has(hosts_of(world, "other"), "10.99.0.3 db data.test\n"));
  CHECK_FALSE(has(hosts_of(world, "other"), "db.storage"));
}

TEST_CASE("beside an IPv6 address in a shared network a name keeps its IPv4 address") {
  TestWorld world;
  world.write_envfile(
      "machines:\n  db: {networks: [{name: six, subnet: 'fd00:30::/64', ip: 17}]}\n  web: {depends_on: [db], "
      "networks: [six]}\n");

  REQUIRE(run_cli(world, {"up"}).code == 0);

  CHECK(has(hosts_of(world, "web"), "10.99.0.3 db\nfd00:30::11 db db.six\n"));
}

TEST_CASE("a machine knows its own aliases") {
  TestWorld world;
  world.write_envfile("aliases: [shop.test, www.shop.test]\n");

  REQUIRE(run_cli(world, {"up"}).code == 0);

  CHECK(hosts_of(world, "default") == "127.0.1.1 shop.test www.shop.test\n");
}

TEST_CASE("an alias that is new is told to a running machine at once") {
  TestWorld world;
  world.write_envfile("aliases: [shop.test]\n");
  REQUIRE(run_cli(world, {"up"}).code == 0);
  world.write_envfile("aliases: [shop.test, www.shop.test]\n");

  const CliResult plan = run_cli(world, {"plan"});

  CHECK(has(plan.output, "tell it the names"));
  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(has(run_cli(world, {"plan"}).output, "nothing to do"));
}

TEST_CASE("what others will have by the Envfile is not chosen for a machine") {
  TestWorld world;
  world.write_envfile("machines: {a: {networks: [back]}, b: {networks: [{name: back, ip: 2}]}, c: {}}\n");

  REQUIRE(run_cli(world, {"up"}).code == 0);

  for (const auto& [name, machine] : world.backend.machines())
    if (has(name, "-a-")) CHECK(machine.spec.promised.at("back") == std::vector<std::string>{"2"});
}

TEST_CASE("status and info show each network with address, MAC and device") {
  TestWorld world;
  world.write_envfile("networks: [{name: back, subnet: 10.30.0.0/24, ip: 7}]\n");
  REQUIRE(run_cli(world, {"up"}).code == 0);

  const Value status = parse_json(run_cli(world, {"--json", "status"}).output, "status");
  const CliResult shown = run_cli(world, {"status"});
  const CliResult info = run_cli(world, {"info"});

  CHECK(to_json(status["machines"].items()[0]["networks"]) ==
        R"([{"name":"back","device":"br-back","mac":"","addresses":["10.30.0.7"]}])");
  CHECK(has(shown.output, "back 10.30.0.7"));
  CHECK(has(info.output, "back 10.30.0.7"));
}

TEST_CASE("the address in a network can be used after start, and an unknown network is told") {
  TestWorld world;
  world.write_envfile(
      "networks: [{name: back, ip: 10.30.0.7, subnet: 10.30.0.0/24}]\nmessage: at ${machine.ip.back}\n");
  CHECK(has(run_cli(world, {"up"}).errors, "at 10.30.0.7"));
  world.write_envfile("networks: [back]\nmessage: at ${machine.ip.bck}\n");

  const CliResult result = run_cli(world, {"up"});

  CHECK(result.code == 3);
  CHECK(has(result.errors, "unknown network 'bck'"));
  CHECK(has(result.errors, "did you mean 'back'?"));
}

TEST_CASE("a changed network of a running machine waits for a restart, which plan, up and status say") {
  TestWorld world;
  world.write_envfile("networks: [back]\n");
  REQUIRE(run_cli(world, {"up"}).code == 0);
  world.write_envfile("networks: [{name: back, isolated: true}]\n");

  const std::string left = "changed in the Envfile and left: 'networks' ('envtool up --restart' applies it)";
  CHECK(has(run_cli(world, {"plan"}).output, left));
  CHECK(has(run_cli(world, {"up"}).errors, left));
  CHECK(has(run_cli(world, {"status"}).output, "changed: networks"));
  const Value plan = parse_json(run_cli(world, {"--json", "plan"}).output, "plan");
  CHECK(to_json(plan["machines"].items()[0]["left"]) == R"([{"key":"networks","needs":"restart"}])");

  REQUIRE(run_cli(world, {"up", "--restart"}).code == 0);

  CHECK_FALSE(has(run_cli(world, {"plan"}).output, "changed"));
  CHECK(world.backend.machines().begin()->second.spec.networks[0].isolated == true);
}

TEST_CASE("a stopped machine takes a changed network with its next start, so nothing is left") {
  TestWorld world;
  world.write_envfile("networks: [back]\n");
  REQUIRE(run_cli(world, {"up"}).code == 0);
  REQUIRE(run_cli(world, {"halt"}).code == 0);
  world.write_envfile("networks: [front]\n");

  CHECK_FALSE(has(run_cli(world, {"plan"}).output, "left"));
}
