#include "providers/lxc/parts/login.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

namespace {

constexpr std::string_view passwd =
    "root:x:0:0:root:/root:/bin/bash\n"
    "vagrant:x:1000:1000:,,,:/home/vagrant:/bin/zsh\n"
    "bare:x:1001:1001:::\n"
    "short:x:1\n";
constexpr std::string_view group =
    "root:x:0:\nsudo:x:27:other,vagrant\nadm:x:4:vagrant2\nvagrant:x:1000:vagrant\n";

}  // namespace

TEST_CASE("a user logs in with all groups that name it, its own first") {
  const auto login = find_login(passwd, group, "vagrant");

  REQUIRE(login);
  CHECK(login->uid == 1000);
  CHECK(login->groups == std::vector<std::uint32_t>{1000, 27});
  CHECK(login->home == "/home/vagrant");
  CHECK(login->shell == "/bin/zsh");
}

TEST_CASE("a user without home and shell gets those that always are") {
  const auto login = find_login(passwd, group, "bare");

  REQUIRE(login);
  CHECK(login->home == "/");
  CHECK(login->shell == "/bin/sh");
}

TEST_CASE("who is not in passwd does not log in") {
  CHECK_FALSE(find_login(passwd, group, "nobody"));
  CHECK_FALSE(find_login(passwd, group, "short"));
}

TEST_CASE("a session begins with the user's variables and those of /etc/environment") {
  const auto environment = login_environment(*find_login(passwd, group, "vagrant"),
                                             "# a comment\nLANG=\"C.UTF-8\"\nexport A='b c'\nnonsense\n");

  CHECK(environment.at("HOME") == "/home/vagrant");
  CHECK(environment.at("USER") == "vagrant");
  CHECK(environment.at("SHELL") == "/bin/zsh");
  CHECK(environment.at("LANG") == "C.UTF-8");
  CHECK(environment.at("A") == "b c");
  CHECK(environment.size() == 7);
}

TEST_CASE("root finds programs for root") {
  CHECK(login_environment(*find_login(passwd, group, "root"), "").at("PATH").starts_with("/usr/local/sbin:"));
}
