#include "providers/lxc/parts/rootless.h"

#include <doctest/doctest.h>

using namespace envtool;
using namespace envtool::lxc;

TEST_CASE("a user's subordinate ids are found by name or number, and too small a range is none") {
  const std::string text = "root:100000:65536\nann:165536:1000\nann:200000:65536\n1001:300000:70000\n";

  CHECK(subordinate_block(text, "ann", 1000) == IdRange{200000, 65536});
  CHECK(subordinate_block(text, "bob", 1001) == IdRange{300000, 70000});
  CHECK_FALSE(subordinate_block(text, "eve", 1002));
  CHECK_FALSE(subordinate_block("ann:165536:1000\n", "ann", 1000));
  CHECK_FALSE(subordinate_block("anna:1:65536\n", "ann", 1000));
}

TEST_CASE("bridges are lent to a user or to one of his groups") {
  const std::string text =
      "# who may have how many\n"
      "ann veth lxcbr0 10\n"
      "@dev\tveth  br-dev 5\n"
      "@ops veth br-ops 5\n"
      "ann veth none 0\n"
      "ann macvlan eth0 1\n"
      "ann veth lxcbr0 3\n"
      "annie veth br-annie 3\n"
      "ann veth\n";

  CHECK(allowed_bridges(text, "ann", {"dev", "users"}) == std::vector<std::string>{"lxcbr0", "br-dev"});
  CHECK(allowed_bridges(text, "bob", {}).empty());
}

TEST_CASE("a process is found in each hierarchy of cgroups, version 2 first") {
  const auto places = cgroup_places(
      "3:cpu,cpuacct:/user.slice\n1:name=systemd:/user.slice/session:1\n0::/user.slice/app\n9:net_cls:/\n",
      "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
      "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,relatime,cpu,cpuacct 0 0\n"
      "cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0\n"
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nsdelegate 0 0\n");

  REQUIRE(places.size() == 3);
  CHECK(places[0].unified);
  CHECK(places[0].directory == "/sys/fs/cgroup/unified/user.slice/app");
  CHECK(places[1].directory == "/sys/fs/cgroup/cpu,cpuacct/user.slice");
  CHECK_FALSE(places[1].of_systemd);
  CHECK(places[2].of_systemd);
  CHECK(places[2].directory == "/sys/fs/cgroup/systemd/user.slice/session:1");
}

TEST_CASE("where there is version 2 only, it is the one place") {
  const auto places =
      cgroup_places("0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
                    "cgroup2 /sys/fs/cgroup cgroup2 rw,nsdelegate 0 0\n");

  REQUIRE(places.size() == 1);
  CHECK(places[0].mount == "/sys/fs/cgroup");
  CHECK(places[0].directory ==
        "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope");
}
