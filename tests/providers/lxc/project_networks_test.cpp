#include "providers/lxc/parts/project_networks.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

IpSubnet subnet(std::string_view text) { return *IpSubnet::parse(text); }

WantedNetwork wanted(const std::string& json) {
  return wanted_networks(parse_json("{\"networks\": [" + json + "]}", "test")).at(0);
}

Record machine(const std::string& name, const NetworkLink& link) {
  return {.name = name, .environment = "4f2a3b4c5d6e", .networks = {link}};
}

}  // namespace

TEST_CASE("a request's networks are read, and checked again where root works") {
  const WantedNetwork network = wanted(
      R"({"name": "back", "subnet": "10.30.0.0/24", "ip": "10.30.0.11", "mac": "52:54:00:aa:bb:cc",
          "isolated": true, "promised": ["10.30.0.12", "13"]})");

  CHECK(network.subnet == subnet("10.30.0.0/24"));
  CHECK(network.ip == IpAddress::parse("10.30.0.11"));
  CHECK(network.isolated);
  CHECK(network.promised.size() == 2);
  for (const char* bad :
       {R"({"name": "../x"})", R"({"name": "a", "subnet": "10.30.0.1/24"})", R"({"name": "a", "mac": "x"})",
        R"({"name": "a", "bridge": "br0 up"})", R"({"name": "a", "bridge": "../../etc"})",
        R"({"name": "a", "ip": "x"})", R"({"name": "a"}, {"name": "a"})"})
    CHECK_THROWS_AS(wanted(bad), Error);
}

TEST_CASE("a project's bridge has a name that fits the kernel, of root, environment and network") {
  const std::string name = project_bridge("/var/lib/envtool", "4f2a", "back");

  CHECK(name.size() == 15);
  CHECK(name == project_bridge("/var/lib/envtool", "4f2a", "back"));
  CHECK(name != project_bridge("/var/lib/envtool", "4f2b", "back"));
  CHECK(name != project_bridge("/var/lib/envtool", "4f2a", "front"));
  CHECK(name.substr(0, 7) == project_bridge("/var/lib/envtool", "4f2b", "front").substr(0, 7));
  CHECK(name.substr(0, 7) != project_bridge("/tmp/x", "4f2a", "back").substr(0, 7));
}

TEST_CASE("envtool's bridges are known by their alias") {
  CHECK(is_own_alias("envtool"));
  CHECK(is_own_alias(project_alias("4f2a", "back") + "10.30.0.0/24"));
  CHECK_FALSE(is_own_alias("envtools"));
  CHECK_FALSE(is_own_alias(""));
}

TEST_CASE("a device of its own for each network, beside the one in the shared network") {
  CHECK(veth_name("shop-web", "back").size() <= 15);
  CHECK(veth_name("shop-web", "back") != veth_name("shop-web", "front"));
}

TEST_CASE("taken are the addresses of the same bridge, but for the machine's own") {
  const std::vector<Record> records = {
      machine("a", {.name = "back",
                    .bridge = "ev0",
                    .subnet = "10.30.0.0/24",
                    .address = "10.30.0.2",
                    .mac = {},
                    .device = {}}),
      machine("b", {.name = "back",
                    .bridge = "ev0",
                    .subnet = "10.30.0.0/24",
                    .address = "10.30.0.3",
                    .mac = {},
                    .device = {}}),
      machine("c", {.name = "lan", .bridge = "br0", .subnet = {}, .address = {}, .mac = {}, .device = {}})};

  CHECK(taken_addresses(records, "ev0", "a") ==
        std::map<std::string, std::string>{{"10.30.0.3", "machine 'b'"}});
}

TEST_CASE("subnets of routes and of other networks are known by name, the network's own left out") {
  const Value routes =
      parse_json(R"([{"dst": "default", "dev": "eth0"}, {"dst": "10.30.0.0/16", "dev": "tun0"},
                                      {"dst": "10.40.0.0/24", "dev": "ev0"}, {"type": "blackhole", "dst": "10.50.0.0/24"}])",
                 "routes");
  const auto known = known_routes(routes, "ev0");

  REQUIRE(known.size() == 2);
  CHECK(known[0].what == "'10.30.0.0/16', which this host has on 'tun0'");
  CHECK(known[1].what == "'10.50.0.0/24', which this host has a route for");
  const std::vector<Record> records = {machine("a", {.name = "back",
                                                     .bridge = "ev1",
                                                     .subnet = "10.60.0.0/24",
                                                     .address = "10.60.0.2",
                                                     .mac = {},
                                                     .device = {}})};
  CHECK(recorded_networks(records, "ev1").empty());
  CHECK(recorded_networks(records, "ev0").at(0).device == "ev1");
  CHECK(recorded_networks(records, "ev0").at(0).environment == "4f2a3b4c5d6e");
  REQUIRE(recorded_networks(records, "ev0").size() == 1);
  CHECK(recorded_networks(records, "ev0")[0].what ==
        "'10.60.0.0/24', the network 'back' of environment 4f2a3b4c");
}
