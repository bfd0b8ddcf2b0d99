#include "sync/rsync.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "support/scripted_communicator.h"
#include "support/scripted_host.h"

using namespace envtool;

namespace {

const SshEndpoint endpoint{.host = "10.0.0.2", .user = "vagrant"};
const FolderConfig folder{
    .host = "/home/jo/my shop", .guest = "/srv/app", .exclude = {"node_modules/", "*.o"}};

bool contains(const std::vector<std::string>& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

struct Pushing {
  ScriptedHost host;
  ScriptedCommunicator guest;

  void push() { push_by_rsync(folder, {endpoint, {"ssh"}}, guest, host.operation); }
};

}  // namespace

TEST_CASE("a folder is mirrored as root for the ssh user, and .envtool never is") {
  const std::vector<std::string> words =
      rsync_command(folder, "vagrant:users", {endpoint, {"ssh", "-o", "IdentityFile=\"/a b/it's\""}});

  CHECK(words == std::vector<std::string>{"rsync", "--archive", "--delete", "--protect-args",
                                          "--exclude=.envtool/", "--exclude=node_modules/", "--exclude=*.o",
                                          "--chown=vagrant:users", "--rsync-path=sudo -n rsync",
                                          "--rsh='ssh' '-o' 'IdentityFile=\"/a b/it''s\"'", "--",
                                          "/home/jo/my shop/", "10.0.0.2:/srv/app/"});
}

TEST_CASE("root in the guest needs no sudo") {
  SshEndpoint as_root = endpoint;
  as_root.user = "root";

  CHECK(contains(rsync_command(folder, "root:root", {as_root, {"ssh"}}), "--rsync-path=rsync"));
}

TEST_CASE("an IPv6 address stands in brackets") {
  SshEndpoint six = endpoint;
  six.host = "fd00::2";

  CHECK(rsync_command(folder, "vagrant:users", {six, {"ssh"}}).back() == "[fd00::2]:/srv/app/");
}

TEST_CASE("pushing makes the directory and runs rsync") {
  Pushing pushing;
  pushing.guest.expect_run("mkdir -p", {.output = "staff\n"});
  pushing.host.runner.expect({"rsync", more_words});

  pushing.push();

  CHECK(pushing.guest.commands.at(0).user == "root");
}

TEST_CASE("files belong to the folder's owner, else to the ssh user, and to that user's group") {
  FolderConfig owned = folder;
  owned.owner = "www-data";
  ScriptedHost host;
  ScriptedCommunicator guest;
  guest.expect_run("id -gn -- www-data", {.output = "web\n"});
  guest.expect_run("id -gn -- vagrant", {.output = "users\n"});
  host.runner.expect({"rsync", "--archive", "--delete", "--protect-args", "--exclude=.envtool/",
                      "--exclude=node_modules/", "--exclude=*.o", "--chown=www-data:web", more_words});
  host.runner.expect({"rsync", "--archive", "--delete", "--protect-args", "--exclude=.envtool/",
                      "--exclude=node_modules/", "--exclude=*.o", "--chown=vagrant:users", more_words});

  push_by_rsync(owned, {endpoint, {"ssh"}}, guest, host.operation);
  push_by_rsync(folder, {endpoint, {"ssh"}}, guest, host.operation);
}

TEST_CASE("a guest without the owner says so") {
  Pushing pushing;
  pushing.guest.expect_run("id -gn", {.status = 78});

  CHECK_THROWS_WITH_AS(pushing.push(), "folder '/srv/app': the guest has no user 'vagrant'", Error);
}

TEST_CASE("a guest without rsync is told apart from a failure") {
  Pushing pushing;
  pushing.guest.expect_run("command -v rsync", {.status = 77});

  CHECK_THROWS_WITH_AS(pushing.push(), "folder '/srv/app': the guest has no rsync", Error);
}

TEST_CASE("a host without rsync is told what to install") {
  Pushing pushing;
  pushing.guest.expect_run("");
  pushing.host.runner.expect({"rsync", more_words},
                             {.status = 127, .error = "cannot run 'rsync': no such program on PATH"});

  try {
    pushing.push();
    FAIL("it went on");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::host_not_ready);
    CHECK(error.hint() == "install rsync on this host: sudo apt-get install rsync");
  }
}

TEST_CASE("a file that vanishes while it is copied is no failure") {
  Pushing pushing;
  pushing.guest.expect_run("");
  pushing.host.runner.expect({"rsync", more_words}, {.status = 24});

  CHECK_NOTHROW(pushing.push());
}

TEST_CASE("a failed rsync is shown with its status and what it said") {
  Pushing pushing;
  pushing.guest.expect_run("");
  pushing.host.runner.expect({"rsync", more_words}, {.status = 23, .error = "rsync: disk full\n"});

  CHECK_THROWS_WITH_AS(pushing.push(), doctest::Contains("exited with status 23:\n    rsync: disk full"),
                       Error);
}
