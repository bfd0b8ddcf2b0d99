#include "providers/lxc/parts/raw_config.h"

#include <doctest/doctest.h>

using namespace envtool;
using namespace envtool::lxc;

TEST_CASE("a raw key that is no LXC key is refused") {
  CHECK_THROWS_WITH_AS(raw_config_of(Value::map({{"cap.drop", "x"}})),
                       "option 'config': 'cap.drop' is no key of LXC's configuration", Error);
  CHECK_THROWS_AS(raw_config_of(Value::map({{"lxc.a = 1\nlxc.b", "x"}})), Error);
}

TEST_CASE("a raw key that envtool sets itself is refused") {
  CHECK_THROWS_WITH_AS(raw_config_of(Value::map({{"lxc.net.0.link", "br0"}})),
                       "option 'config': envtool sets 'lxc.net.0.link' itself", Error);
  CHECK_NOTHROW(raw_config_of(Value::map({{"lxc.network_is_no_prefix", "x"}})));
}

TEST_CASE("a raw key that is nearly one of LXC's is refused with that, and where it stands") {
  const auto source = std::make_shared<SourceText>(SourceText{"Envfile", "lxc.cap.dorp: sys_time"});
  Value value = "sys_time";
  value.position = {source, 1, 15};

  const auto problems = raw_config_problems(Value::map({{"lxc.cap.dorp", value}}));

  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text == "option 'config': LXC's configuration has no 'lxc.cap.dorp'");
  CHECK(problems[0].hint == "did you mean 'lxc.cap.drop'?");
  CHECK(problems[0].position.to_string() == "Envfile:1:15");
}

TEST_CASE("what follows a key of the kernel's files is the kernel's, and the key itself may be wrong") {
  CHECK(raw_config_problems(Value::map({{"lxc.cgroup2.memory.low", "1G"}, {"lxc.sysctl.vm.overcommit", 1}}))
            .empty());

  const auto problems = raw_config_problems(Value::map({{"lxc.cgruop2.memory.low", "1G"}}));

  REQUIRE(problems.size() == 1);
  CHECK(problems[0].hint == "did you mean 'lxc.cgroup2.memory.low'?");
}

TEST_CASE("a raw key that may be of a newer LXC is left to the host's") {
  CHECK(raw_config_problems(Value::map({{"lxc.something.quite.new", "x"}, {"lxc.hook.start-pre", "x"}}))
            .empty());

  const auto problems =
      unknown_keys(Value::map({{"lxc.something.quite.new", "x"}}), {"lxc.something.quite.new"});

  REQUIRE(problems.size() == 1);
  CHECK(problems[0].text == "option 'config': the LXC of this host has no 'lxc.something.quite.new'");
}
