#include "providers/lxc/parts/guest_files.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

TEST_CASE("an account is found with its ids and its home") {
  const auto account =
      find_account("root:x:0:0:root:/root:/bin/bash\nweb:x:33:34::/srv/web:/bin/sh\n", "web");

  REQUIRE(account);
  CHECK(account->uid == 33);
  CHECK(account->gid == 34);
  CHECK(account->home == "/srv/web");
}

TEST_CASE("a user who is not in passwd is not found") {
  CHECK_FALSE(find_account("root:x:0:0:root:/root:/bin/bash\nbroken line\n", "vagrant"));
}

TEST_CASE("no password opens an account afterwards, an empty one included") {
  const std::string shadow =
      "root:$y$j9T$abc:19000:0:99999:7:::\nvagrant::19000:0:99999:7:::\ndaemon:!:1::::::\n";

  CHECK(lock_passwords(shadow) ==
        "root:*:19000:0:99999:7:::\nvagrant:*:19000:0:99999:7:::\ndaemon:*:1::::::\n");
}

TEST_CASE("in passwd the reference to shadow stays and a hash goes") {
  CHECK(lock_passwords("root:x:0:0::/root:/bin/sh\nold:aBc:1:1::/:/bin/sh\n") ==
        "root:x:0:0::/root:/bin/sh\nold:*:1:1::/:/bin/sh\n");
}

TEST_CASE("a box's own loopback names go and its other lines stay") {
  const std::string box =
      "127.0.0.1\tlocalhost\n127.0.1.1 maker.example\n::1 localhost\n\n# mine\n10.9.9.9 mine\nff02::1 all\n";

  CHECK(without_loopback_lines(box) == "\n# mine\n10.9.9.9 mine\nff02::1 all\n");
}

TEST_CASE("a resolv.conf stays ours until the guest removes the mark") {
  const std::string text = resolv_conf_text({"10.86.0.1"}, {"corp.example"});

  CHECK(is_our_resolv_conf(text));
  CHECK(parse_resolv_conf(text).servers == std::vector<std::string>{"10.86.0.1"});
  CHECK(parse_resolv_conf(text).search == std::vector<std::string>{"corp.example"});
  CHECK_FALSE(is_our_resolv_conf("nameserver 10.86.0.1\n"));
}

TEST_CASE("a name server on loopback is known as such") {
  CHECK(is_loopback_server("127.0.0.53"));
  CHECK(is_loopback_server("::1"));
  CHECK_FALSE(is_loopback_server("192.0.2.1"));
}

TEST_CASE("drop-ins of sshd count only where they are read before any Match block") {
  CHECK(includes_drop_ins("# x\nInclude /etc/ssh/sshd_config.d/*.conf\nPort 22\n"));
  CHECK_FALSE(includes_drop_ins("#Include /etc/ssh/sshd_config.d/*.conf\n"));
  CHECK_FALSE(includes_drop_ins("Match User a\nInclude /etc/ssh/sshd_config.d/*.conf\n"));
}
