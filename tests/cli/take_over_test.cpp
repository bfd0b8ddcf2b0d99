#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.h"
#include "support/test_world.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A guest that came up with the keys of its box.
struct BoxKeysWorld : TestWorld {
  bool has_sudo = true;

  BoxKeysWorld() {
    backend.first_key = "everybody's key";
    write_envfile();
    guests.answer = [this](const std::string&, const GuestCommand& command) {
      ProcessResult result;
      if (command.script.find("authorized_keys") == std::string::npos) return result;
      result.status = has_sudo ? 0 : 1;
      result.error = has_sudo ? "" : "sudo: a password is required";
      installed.push_back(command);
      pinned_meanwhile = known_hosts();
      return result;
    };
  }

  std::string known_hosts() const {
    for (const auto& entry : fs::recursive_directory_iterator(home() / "envtool"))
      if (entry.path().filename() == "known_hosts") return read_file(entry.path());
    return {};
  }

  std::vector<GuestCommand> installed;
  std::string pinned_meanwhile;
};

/// The public half of the host key that it was given.
std::string host_key_of(const GuestCommand& command) { return split(command.input, '\n').at(3); }

}  // namespace

TEST_CASE_FIXTURE(BoxKeysWorld, "a guest with its box's keys is given the machine's own, once") {
  REQUIRE(run_cli(*this, {"up"}).code == 0);

  REQUIRE(installed.size() == 1);
  CHECK(installed[0].user == "root");
  CHECK(installed[0].input.starts_with("vagrant\ndefault\nssh-ed25519 AAAA"));
  CHECK(known_hosts().ends_with(" " + host_key_of(installed[0]) + "\n"));
  CHECK(split(trim(known_hosts()), '\n').size() == 1);
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  CHECK(installed.size() == 1);
}

TEST_CASE_FIXTURE(BoxKeysWorld, "a guest that may have its new host key or not is known by both") {
  has_sudo = false;

  const CliResult result = run_cli(*this, {"up"});

  CHECK(result.code == 1);
  CHECK(result.errors.find("a password is required") != std::string::npos);
  CHECK(split(trim(known_hosts()), '\n').size() == 2);
  has_sudo = true;
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  CHECK(pinned_meanwhile.find(host_key_of(installed[0])) != std::string::npos);
  CHECK(known_hosts().ends_with(" " + host_key_of(installed[1]) + "\n"));
  CHECK(split(trim(known_hosts()), '\n').size() == 1);
}

TEST_CASE_FIXTURE(BoxKeysWorld, "a guest that was not taken over is so by the next command that enters it") {
  guests.unreachable = "connection refused";
  REQUIRE(run_cli(*this, {"up"}).code == 1);
  guests.unreachable.clear();

  CHECK(run_cli(*this, {"up"}).code == 0);

  CHECK(known_hosts().ends_with(" " + host_key_of(installed.at(0)) + "\n"));
}
