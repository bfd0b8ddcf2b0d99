#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.h"
#include "support/test_world.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A guest that came up with the keys of its box.
struct BoxKeysWorld : TestWorld {
  std::string host_key = "ssh-ed25519 AAAAnew";

  BoxKeysWorld() {
    backend.first_key = "everybody's key";
    write_envfile();
    guests.answer = [this](const std::string&, const GuestCommand& command) {
      ProcessResult result;
      if (command.script.find("ssh-keygen") != std::string::npos) result.output = host_key + "\n";
      if (command.script.find("authorized_keys") != std::string::npos) installed.push_back(command);
      return result;
    };
  }

  std::string known_hosts() const {
    for (const auto& entry : fs::recursive_directory_iterator(home() / "envtool"))
      if (entry.path().filename() == "known_hosts") return read_file(entry.path());
    return {};
  }

  std::vector<GuestCommand> installed;
};

}  // namespace

TEST_CASE_FIXTURE(BoxKeysWorld, "a guest with its box's keys is given the machine's own, once") {
  REQUIRE(run_cli(*this, {"up"}).code == 0);

  REQUIRE(installed.size() == 1);
  CHECK(installed[0].user == "root");
  CHECK(installed[0].input.starts_with("ssh-ed25519 AAAA"));
  CHECK(installed[0].environment.at("LOGIN_USER") == "vagrant");
  CHECK(known_hosts().find("ssh-ed25519 AAAAnew\n") != std::string::npos);
  REQUIRE(run_cli(*this, {"up"}).code == 0);
  CHECK(installed.size() == 1);
}

TEST_CASE_FIXTURE(BoxKeysWorld,
                  "what is no host key is not pinned, and nothing else of the guest is changed") {
  host_key = "bash: ssh-keygen: command not found";

  const CliResult result = run_cli(*this, {"up"});

  CHECK(result.code == 1);
  CHECK(result.errors.find("host key") != std::string::npos);
  CHECK(installed.empty());
}

TEST_CASE_FIXTURE(BoxKeysWorld, "a guest that was not taken over is so by the next command that enters it") {
  guests.unreachable = "connection refused";
  REQUIRE(run_cli(*this, {"up"}).code == 1);
  guests.unreachable.clear();

  CHECK(run_cli(*this, {"up"}).code == 0);

  CHECK(known_hosts().find("ssh-ed25519 AAAAnew\n") != std::string::npos);
}
