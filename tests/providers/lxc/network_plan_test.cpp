#include "providers/lxc/parts/network_plan.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "providers/lxc/parts/layout.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

IpSubnet subnet(std::string_view text) { return *IpSubnet::parse(text); }

Value ruleset(const std::string& objects) { return parse_json("{\"nftables\": [" + objects + "]}", "test"); }

const std::string forward_drop =
    R"({"table": {"family": "ip", "name": "filter", "handle": 1}},
       {"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 2, "type": "filter",
                  "hook": "forward", "prio": 0, "policy": "drop"}})";

}  // namespace

TEST_CASE("routes of every table count, default routes and a VPN's halves do not") {
  const Value routes = parse_json(R"([{"dst": "default", "dev": "eth0"}, {"dst": "0.0.0.0/1", "dev": "tun0"},
                                      {"dst": "10.86.0.0/24", "table": "100"}, {"type": "local", "dst": "10.86.1.5"}])",
                                  "routes");

  CHECK(routed_networks(routes) == std::vector<IpSubnet>{subnet("10.86.0.0/24"), subnet("10.86.1.5")});
}

TEST_CASE("the bridge's subnet avoids what is routed") {
  CHECK(choose_subnet({}).to_string() == "10.86.0.0/24");
  CHECK(choose_subnet({subnet("10.86.0.0/23")}).to_string() == "10.86.2.0/24");
  CHECK(choose_subnet({subnet("10.0.0.0/8")}).to_string() == "172.29.0.0/24");
  CHECK_THROWS_AS(choose_subnet({subnet("10.0.0.0/8"), subnet("172.16.0.0/12"), subnet("192.168.0.0/16")}),
                  Error);
}

TEST_CASE("a machine gets the lowest free number") {
  CHECK(choose_host({}) == 2);
  CHECK(choose_host({2, 3, 5}) == 4);
}

TEST_CASE("another root directory gets a bridge of its own whose name fits the kernel") {
  CHECK(bridge_name(default_root) == "envtool0");
  CHECK(bridge_name("/tmp/x") != bridge_name("/tmp/y"));
  CHECK(bridge_name("/tmp/x").size() <= 15);
}

TEST_CASE("a machine's MAC address is local, unicast and stays the same") {
  const std::string mac = mac_address("envtool0", "web");

  CHECK(mac.starts_with("52:55:"));
  CHECK(mac.size() == 17);
  CHECK(mac == mac_address("envtool0", "web"));
}

TEST_CASE("source NAT leaves traffic inside of the subnet alone and replaces an older table") {
  const std::string rules = bridge_rules("envtool0", subnet("10.86.0.0/24"), Passage::shared);

  CHECK(rules.find("delete table ip envtool0\n") != std::string::npos);
  CHECK(rules.find("ip saddr 10.86.0.0/24 ip daddr != 10.86.0.0/24 oifname != \"envtool0\" masquerade") !=
        std::string::npos);
}

TEST_CASE("of an isolated bridge nothing comes out, neither to this host nor beyond") {
  const std::string rules = bridge_rules("ev0", subnet("10.30.0.0/24"), Passage::isolated);

  CHECK(rules.find("hook input priority filter; policy accept;\n    iifname \"ev0\" drop\n") !=
        std::string::npos);
  CHECK(rules.find("iifname \"ev0\" oifname != \"ev0\" drop\n") != std::string::npos);
  CHECK(rules.find("iifname != \"ev0\" oifname \"ev0\" drop\n") != std::string::npos);
  CHECK(rules.find("masquerade") == std::string::npos);
}

TEST_CASE("an IPv6 network needs no rules of its own") {
  CHECK(bridge_rules("ev0", subnet("fd00:30::/64"), Passage::project).empty());
}

TEST_CASE("from port to port an isolated bridge is let through, and that is all") {
  const std::vector<DroppingChain> chains = {{"ip", "filter", "FORWARD", true}, {"inet", "f", "in", false}};

  CHECK(accept_rules(chains, "ev0", Passage::isolated) ==
        "insert rule ip filter FORWARD iifname \"ev0\" oifname \"ev0\" counter accept comment "
        "\"envtool:ev0\"\n");
  CHECK(legacy_accepts("-P INPUT DROP\n-P FORWARD DROP\n", "ev0", Passage::isolated).size() == 1);
}

TEST_CASE("machines of a project's network do not get the host's DNS by it") {
  const std::vector<DroppingChain> chains = {{"inet", "f", "in", false}, {"ip6", "g", "in", false}};

  const std::string rules = accept_rules(chains, "ev0", Passage::project);

  CHECK(rules.find("dport 53") == std::string::npos);
  CHECK(rules.find("insert rule inet f in iifname \"ev0\" meta l4proto { icmp, ipv6-icmp } counter accept") !=
        std::string::npos);
  CHECK(rules.find("insert rule ip6 g in iifname \"ev0\" meta l4proto ipv6-icmp counter accept") !=
        std::string::npos);
  CHECK(legacy_accepts("-P INPUT DROP\n", "ev0", Passage::project).size() == 1);
}

TEST_CASE("a forward chain that drops by policy gets our accepts") {
  const auto chains = dropping_chains(ruleset(forward_drop));

  CHECK(chains == std::vector<DroppingChain>{{"ip", "filter", "FORWARD", true}});
  CHECK(accept_rules(chains, "envtool0", Passage::shared) ==
        "insert rule ip filter FORWARD oifname \"envtool0\" counter accept comment \"envtool:envtool0\"\n"
        "insert rule ip filter FORWARD iifname \"envtool0\" counter accept comment \"envtool:envtool0\"\n");
}

TEST_CASE("beside Docker the accepts go where Docker leaves them alone") {
  const auto chains = dropping_chains(
      ruleset(forward_drop +
              R"(, {"chain": {"family": "ip", "table": "filter", "name": "DOCKER-USER", "handle": 9}})"));

  CHECK(chains == std::vector<DroppingChain>{{"ip", "filter", "DOCKER-USER", true}});
}

TEST_CASE("a chain that accepts by policy but ends in a reject drops as well") {
  const auto chains = dropping_chains(ruleset(
      R"({"chain": {"family": "inet", "table": "f", "name": "in", "type": "filter", "hook": "input", "policy": "accept"}},
         {"rule": {"family": "inet", "table": "f", "chain": "in", "expr": [{"counter": {}}, {"reject": null}]}})"));

  REQUIRE(chains.size() == 1);
  CHECK_FALSE(chains[0].forwards);
  CHECK(accept_rules(chains, "envtool0", Passage::shared)
            .find("iifname \"envtool0\" udp dport 53 counter accept") != std::string::npos);
}

TEST_CASE("chains that accept, and firewalld's own, are left alone") {
  const auto chains = dropping_chains(ruleset(
      R"({"chain": {"family": "ip", "table": "filter", "name": "FORWARD", "type": "filter", "hook": "forward", "policy": "accept"}},
         {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "expr": [{"match": {}}, {"drop": null}]}},
         {"chain": {"family": "inet", "table": "firewalld", "name": "f", "type": "filter", "hook": "forward", "policy": "drop"}})"));

  CHECK(chains.empty());
}

TEST_CASE("only rules with our tag and our table are removed") {
  const std::string removals =
      removal_rules(ruleset(forward_drop +
                            R"(, {"table": {"family": "ip", "name": "envtool0", "handle": 3}},
                 {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 7, "comment": "envtool:envtool0"}},
                 {"rule": {"family": "ip", "table": "filter", "chain": "FORWARD", "handle": 8, "comment": "mine"}})"),
                    "envtool0");

  CHECK(removals == "delete table ip envtool0\ndelete rule ip filter FORWARD handle 7\n");
}

TEST_CASE("systemd-networkd leaves devices of ours alone, by whatever name") {
  CHECK(unmanaged_network().find("[Match]\nName=envt* ev[0-9a-f]") != std::string::npos);
  CHECK(unmanaged_network().ends_with("[Link]\nUnmanaged=yes\n"));
  CHECK(bridge_name("/var/lib/envtool").starts_with("envt"));
  CHECK(bridge_name("/elsewhere").starts_with("envt"));
}

TEST_CASE("the old iptables gets its accepts only where it drops") {
  const auto rules =
      legacy_accepts("-P INPUT ACCEPT\n-P FORWARD DROP\n-N DOCKER-USER\n", "envtool0", Passage::shared);

  REQUIRE(rules.size() == 2);
  CHECK(rules[0] == std::vector<std::string>{"-I", "DOCKER-USER", "-o", "envtool0", "-m", "comment",
                                             "--comment", "envtool:envtool0", "-j", "ACCEPT"});
  CHECK(legacy_accepts("-P INPUT ACCEPT\n-P FORWARD ACCEPT\n", "envtool0", Passage::shared).empty());
}

TEST_CASE("the old iptables gives our rules back and keeps the others") {
  const auto rules = legacy_removals(
      "-A FORWARD -i envtool0 -m comment --comment envtool:envtool0 -j ACCEPT\n"
      "-A FORWARD -i envtool0 -m comment --comment \"envtool:envtool0\" -j ACCEPT\n-A FORWARD -i lan -j "
      "ACCEPT\n",
      "envtool0");

  REQUIRE(rules.size() == 2);
  CHECK(rules[0] == rules[1]);
  CHECK(rules[0][0] == "-D");
  CHECK(rules[0].back() == "ACCEPT");
}
