#include <doctest/doctest.h>

#include "providers/libvirt/network_xml.h"

using namespace envtool::libvirt;

TEST_CASE("our network is known by its mark, with its subnet and reservations") {
  const Reservation web{"52:54:00:00:00:01", "web", "10.87.3.2"};

  const NetworkFacts facts = network_facts(network_xml("10.87.3", web));

  CHECK(facts.ours);
  CHECK(facts.subnet == "10.87.3");
  CHECK(facts.reservations == std::vector<Reservation>{web});
  CHECK_FALSE(network_facts("<network><ip address='192.168.122.1'/></network>").ours);
}

TEST_CASE("a machine gets the lowest address that is not reserved") {
  NetworkFacts facts{.ours = true, .subnet = "10.87.0", .reservations = {}};
  CHECK(free_address(facts) == "10.87.0.2");

  facts.reservations = {{"a", "a", "10.87.0.2"}, {"b", "b", "10.87.0.4"}};
  CHECK(free_address(facts) == "10.87.0.3");
}

TEST_CASE("a full network has no address left") {
  NetworkFacts facts{.ours = true, .subnet = "10.87.0", .reservations = {}};
  while (const auto address = free_address(facts)) facts.reservations.push_back({"m", "n", *address});

  CHECK(facts.reservations.size() == 253);
}

TEST_CASE("a project's network is known by its mark, and the shared one is none") {
  const ProjectNetwork network{"0123456789abcdef", "back", *envtool::IpSubnet::parse_exact("10.30.0.0/24"),
                               true};

  CHECK(parse_project_network(project_network_xml(network)) == network);
  CHECK_FALSE(parse_project_network(network_xml("10.87.3", {"52:54:00:00:00:01", "web", "10.87.3.2"})));
}
