#include <doctest/doctest.h>

#include "config/sample.h"

namespace envtool::test {

namespace {

const NetworkConfig& network_of(const ProjectConfig& project, const std::string& machine) {
  return project.find(machine)->networks.at(0);
}

}  // namespace

TEST_CASE("what one machine says of a network counts for all that are in it") {
  const ProjectConfig project =
      load_text(
          "machines:\n  a: {networks: [{name: n, subnet: 10.30.0.0/24, isolated: true}]}\n"
          "  b: {networks: [n]}\n  c: {networks: [m]}\n")
          .project;

  CHECK(network_of(project, "b").subnet == "10.30.0.0/24");
  CHECK(network_of(project, "b").isolated == true);
  CHECK(network_of(project, "c").subnet.empty());
  CHECK(network_of(project, "c").isolated == false);
}

TEST_CASE("a host number in a fixed subnet is an address; elsewhere it stays a number") {
  const ProjectConfig project = load_text(
                                    "machines:\n  a: {networks: [{name: n, subnet: 10.30.0.0/16, ip: "
                                    "300}]}\n  b: {networks: [{name: m, ip: 9}]}\n"
                                    "  c: {networks: [{name: six, subnet: 'FD00:0:0::/64', ip: 17}]}\n")
                                    .project;

  CHECK(network_of(project, "a").ip == "10.30.1.44");
  CHECK_FALSE(network_of(project, "a").host_number);
  CHECK(network_of(project, "b").host_number == 9);
  CHECK(network_of(project, "c").ip == "fd00::11");
}

TEST_CASE("a network may be the host's bridge for one provider and the project's own for another") {
  const ProjectConfig project =
      load_text(
          "machines:\n  a: {networks: [lan], providers: {lxc: {networks: [{name: lan, bridge: br0}]}}}\n"
          "  b: {networks: [lan], providers: {lxc: {networks: [{name: lan, bridge: br0}]}}}\n")
          .project;

  CHECK(network_of(project, "a").bridge.empty());
  CHECK(effective_for(project.machines[0], "lxc").networks[0].bridge == "br0");
}

TEST_CASE("a provider's own subnet reaches the machines that have none of their own") {
  const ProjectConfig project =
      load_text(
          "machines:\n  a: {networks: [n], providers: {lxc: {networks: [{name: n, subnet: 10.30.0.0/24}]}}}\n"
          "  b: {networks: [n]}\n")
          .project;

  CHECK(effective_for(project.machines[1], "lxc").networks[0].subnet == "10.30.0.0/24");
  CHECK(project.machines[1].networks[0].subnet.empty());
}

TEST_CASE("a MAC address is kept in lower case") {
  CHECK(machine_of("networks: [{name: n, mac: '52:54:00:AA:BB:CC'}]\n").networks[0].mac ==
        "52:54:00:aa:bb:cc");
}

}  // namespace envtool::test
