#include "boxes/recipes/debian.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "places.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

DebianBuild build_from(DebianMirrors mirrors) {
  return {.release = "bookworm",
          .mirrors = std::move(mirrors),
          .keyring = "/keys/debian.gpg",
          .own_mounts = false};
}

}  // namespace

TEST_CASE("the command line of mmdebstrap names no server, as others can read it") {
  const auto words =
      mmdebstrap_command(build_from({.archive = "http://user:secret@a.example/debian"}), "/out/root.tar");

  REQUIRE(words.size() == 12);
  CHECK(std::vector(words.begin(), words.begin() + 4) ==
        std::vector<std::string>{"setpriv", "--pdeathsig", "TERM", "mmdebstrap"});
  CHECK(words[4] == "--variant=minbase");
  CHECK(words[6].starts_with("--include=systemd,systemd-sysv,dbus,openssh-server,sudo,python3,"));
  CHECK(words[7] == "--format=tar");
  CHECK(words[8].starts_with("--customize-hook=set -e\n"));
  CHECK(words[9] == "bookworm");
  CHECK(words[10] == "/out/root.tar");
  CHECK(words[11] == "-");
  CHECK(join(words, " ").find("secret") == std::string::npos);
}

TEST_CASE("as root mmdebstrap gets a mount namespace, so that killed it leaves no mounts of the host's") {
  DebianBuild build = build_from({.archive = "http://a.example/debian"});
  build.own_mounts = true;

  const auto words = mmdebstrap_command(build, "/out/root.tar");

  CHECK(std::vector(words.begin() + 3, words.begin() + 8) ==
        std::vector<std::string>{"unshare", "--mount", "--propagation", "private", "mmdebstrap"});
}

TEST_CASE("a box is built from the suites that are known, signed by Debian's keys") {
  CHECK(build_sources(build_from({.archive = "http://a.example/debian"})) ==
        "deb [signed-by=/keys/debian.gpg] http://a.example/debian bookworm main\n");
  CHECK(build_sources(build_from({.archive = "http://a.example/debian",
                                  .updates = "http://a.example/debian",
                                  .security = "http://s.example/debian-security"})) ==
        "deb [signed-by=/keys/debian.gpg] http://a.example/debian bookworm main\n"
        "deb [signed-by=/keys/debian.gpg] http://a.example/debian bookworm-updates main\n"
        "deb [signed-by=/keys/debian.gpg] http://s.example/debian-security bookworm-security main\n");
}

TEST_CASE("the guest gets the servers that its box was built from") {
  CHECK(guest_sources(build_from({.archive = "http://a.example/debian"})) ==
        "deb http://a.example/debian bookworm main\n");
}

TEST_CASE("a mirror that is private to the host never reaches the guest") {
  const std::string defaults =
      "deb http://deb.debian.org/debian bookworm main\n"
      "deb http://deb.debian.org/debian bookworm-updates main\n"
      "deb http://deb.debian.org/debian-security bookworm-security main\n";

  CHECK(guest_sources(build_from({.archive = "http://127.0.0.1:3142/debian"})) == defaults);
  CHECK(guest_sources(build_from({.archive = "file:/srv/debian"})) == defaults);
  CHECK(guest_sources(build_from({.archive = "https://ada:pw@a.example/debian"})) == defaults);
  CHECK(guest_sources(build_from(
            {.archive = "http://a.example/debian", .security = "http://localhost/debian-security"})) ==
        "deb http://a.example/debian bookworm main\n"
        "deb http://deb.debian.org/debian-security bookworm-security main\n");
}

TEST_CASE("the script that makes a box of a Debian is as it was reviewed") {
  const std::string golden = read_file(source_directory / "tests/data/boxes" / "customize_bookworm.sh");

  CHECK(customize_script(build_from({.archive = "http://a.example/debian"})) == golden);
}

TEST_CASE("the Envfile's mirror wins over the variable, and that over the host's apt") {
  const TemporaryDirectory apt;
  write_file(apt.path() / "sources.list", "deb http://host.example/debian bookworm main\n");
  const RecipeHost host{.apt_directory = apt.path(), .keyring = {}};

  CHECK(choose_debian_mirrors("http://e.example/debian", "http://v.example/debian", host).archive ==
        "http://e.example/debian");
  CHECK(choose_debian_mirrors("", "http://v.example/debian", host).archive == "http://v.example/debian");
  CHECK(choose_debian_mirrors("", "", host).archive == "http://host.example/debian");
}

TEST_CASE("without any mirror the error names the settings") {
  const TemporaryDirectory apt;
  try {
    choose_debian_mirrors("", "", {.apt_directory = apt.path(), .keyring = {}});
    FAIL("found a mirror");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::host_not_ready);
    CHECK(error.hint().find("ENVTOOL_DEBIAN_MIRROR") != std::string::npos);
    CHECK(error.hint().find("sources: {debian:") != std::string::npos);
  }
}

TEST_CASE("a mirror that is no address is refused before it reaches a sources.list") {
  const TemporaryDirectory apt;
  const RecipeHost host{.apt_directory = apt.path(), .keyring = {}};

  CHECK_THROWS_AS(choose_debian_mirrors("bookworm", "", host), Error);
  CHECK_THROWS_AS(choose_debian_mirrors("http://a.example/debian x main\ndeb http://b", "", host), Error);
  CHECK_THROWS_AS(choose_debian_mirrors("", "[trusted=yes] http://a.example", host), Error);
}
