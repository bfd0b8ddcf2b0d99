#include "providers/lxc/parts/preparation.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

namespace {
bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
}  // namespace

TEST_CASE("what an image lacks is said in words") {
  CHECK(Preparation{}.in_words().empty());
  CHECK(Preparation{{"sshd"}, ""}.in_words() == "sshd");
  CHECK(Preparation{{"sshd", "python3"}, "ada"}.in_words() == "sshd, python3 and the user 'ada'");
  CHECK_FALSE(Preparation{}.is_needed());
  CHECK(Preparation{{}, "ada"}.is_needed());
}

TEST_CASE("the script installs what is missing by the package manager that it finds, and no more") {
  const std::string script = preparation_script({{"sshd", "python3"}, ""});

  CHECK(has(script, "if command -v apt-get >/dev/null; then\n"));
  CHECK(has(script,
            "--no-install-recommends -o Dpkg::Options::=--force-unsafe-io install openssh-server python3 "
            "python3-apt\n"));
  CHECK(has(script, "elif command -v dnf >/dev/null; then\ndnf -y install openssh-server python3\n"));
  CHECK(has(script, "apk add --no-cache openssh python3\n"));
  CHECK(has(script, "pacman -Syu --noconfirm --needed openssh python\n"));
  CHECK(has(script, "zypper --non-interactive install openssh python3\n"));
  CHECK_FALSE(has(script, "sudo\n"));
  CHECK_FALSE(has(script, "useradd"));
}

TEST_CASE("the script comes to its end only when everything succeeded") {
  const std::string script = preparation_script({{"sudo"}, "ada"});

  CHECK(script.find("set -e\n") < script.find("apt-get"));
  CHECK(script.ends_with(": >/.envtool-prepared\n"));
}

TEST_CASE("without programs to install no package manager is needed") {
  const std::string script = preparation_script({{}, "ada"});

  CHECK_FALSE(has(script, "apt-get"));
  CHECK(has(script, "useradd -m -U -s $shell ada\n"));
  CHECK(has(script, "/etc/sudoers.d/ada"));
}
