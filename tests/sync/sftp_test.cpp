#include "sync/sftp.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <fstream>

#include "base/cancel.h"
#include "base/files.h"
#include "fake_guest_files.h"
#include "support/scripted_communicator.h"
#include "support/scripted_host.h"
#include "sync/copied_folders.h"

using namespace envtool;

namespace {

struct Pushing {
  TemporaryDirectory place;
  ScriptedHost host;
  ScriptedCommunicator guest;
  FakeFiles server;
  SshEndpoint endpoint{.host = "10.0.0.2", .user = "vagrant"};
  FolderConfig folder{.host = place.path(), .guest = "/srv/app", .type = FolderType::sftp};

  Pushing() {
    // Later than all files here: they do not change any more.
    host.clock.advance(std::chrono::hours(24 * 365 * 100));
    server.files["/srv/app"] = {.mode = S_IFDIR | 0755};
    write("src/a file", "one");
  }
  void write(const std::string& path, const std::string& content) const {
    std::filesystem::create_directories((place.path() / path).parent_path());
    std::ofstream(place.path() / path) << content;
  }
  /// The whole of a copy; links that are made need their owner.
  void expect(bool has_links = false) {
    guest.expect_run("sftp-server", [](const GuestCommand& command) {
      CHECK(command.user == "root");
      CHECK(command.environment.at("OWNER") == "vagrant");
      return ProcessResult{.output = "1000 1000 /usr/lib/openssh/sftp-server\n"};
    });
    guest.expect_files("root:/usr/lib/openssh/sftp-server");
    guest.files = [this] { return std::make_unique<FakeGuestFiles>(server); };
    if (has_links) guest.expect_run("chown");
  }
  void push() {
    expect();
    push_by_sftp(folder, endpoint, guest, host.operation);
  }
  std::vector<std::string> names() const {
    std::vector<std::string> found;
    for (const auto& [path, file] : server.files) found.push_back(path);
    return found;
  }
};

}  // namespace

TEST_CASE("a folder comes into the guest by sftp with modes, times, links and the owner") {
  Pushing pushing;
  std::filesystem::create_symlink("a file", pushing.place.path() / "src/link");
  ::chmod((pushing.place.path() / "src/a file").c_str(), 04750);

  pushing.expect(true);
  push_by_sftp(pushing.folder, pushing.endpoint, pushing.guest, pushing.host.operation);

  const auto& files = pushing.server.files;
  CHECK(pushing.names() ==
        std::vector<std::string>{"/srv/app", "/srv/app/src", "/srv/app/src/a file", "/srv/app/src/link"});
  CHECK(files.at("/srv/app/src/a file").content == "one");
  CHECK(files.at("/srv/app/src/a file").mode == (S_IFREG | 04750));
  CHECK(files.at("/srv/app/src/a file").user == 1000);
  CHECK(files.at("/srv/app/src/link").content == "a file");
  CHECK(pushing.guest.commands.back().argv.back() == "1000:1000");
  CHECK(pushing.guest.commands.back().input == std::string("/srv/app/src/link\0", 18));
  struct stat facts {};
  ::stat((pushing.place.path() / "src").c_str(), &facts);
  CHECK(files.at("/srv/app/src").modified == facts.st_mtim.tv_sec);
}

TEST_CASE("a second copy by sftp writes only what changed, and removes what vanished") {
  Pushing pushing;
  pushing.write("other", "two");
  pushing.push();
  const int before = pushing.server.writes;
  pushing.push();
  CHECK(pushing.server.writes == before);

  pushing.write("other", "longer");
  std::filesystem::remove_all(pushing.place.path() / "src");
  pushing.push();

  CHECK(pushing.server.writes == before + 1);
  CHECK(pushing.server.files.at("/srv/app/other").content == "longer");
  CHECK(pushing.names() == std::vector<std::string>{"/srv/app", "/srv/app/other"});
}

TEST_CASE("a large file goes by sftp in pieces, and stays as it was until the last one came") {
  Pushing pushing;
  pushing.write("src/a file", std::string(1 << 20, 'x'));
  pushing.server.files["/srv/app/src"] = {.mode = S_IFDIR | 0755};
  pushing.server.files["/srv/app/src/a file"] = {.mode = S_IFREG | 0644, .content = "old"};
  pushing.server.before_write = [&] {
    CHECK(pushing.server.files.at("/srv/app/src/a file").content == "old");
  };

  pushing.push();

  CHECK(pushing.server.writes == 4);
  CHECK(pushing.server.files.at("/srv/app/src/a file").content == std::string(1 << 20, 'x'));
}

TEST_CASE("a file that may change again in the same second is copied once more") {
  Pushing pushing;
  struct stat facts {};
  ::stat((pushing.place.path() / "src/a file").c_str(), &facts);
  ScriptedHost early;  // its clock stands before the file's time
  pushing.expect();
  push_by_sftp(pushing.folder, pushing.endpoint, pushing.guest, early.operation);

  CHECK(pushing.server.files.at("/srv/app/src/a file").modified == facts.st_mtim.tv_sec + 1);
  pushing.push();
  CHECK(pushing.server.files.at("/srv/app/src/a file").modified == facts.st_mtim.tv_sec);
}

TEST_CASE("a full disk in the guest names the file, and leaves nothing half-way") {
  Pushing pushing;
  pushing.write("src/b", "too much");
  pushing.server.refused = "too much";

  CHECK_THROWS_WITH_AS(pushing.push(),
                       doctest::Contains("folder '/srv/app': 'src/b': cannot write '/srv/app/src/.envtool-"),
                       Error);
  for (const std::string& name : pushing.names()) CHECK(name.find(".envtool-") == std::string::npos);
}

TEST_CASE("Ctrl-C takes back what sftp has half-way") {
  Pushing pushing;
  pushing.write("src/a file", std::string(8 << 20, 'x'));
  std::stop_source stop;
  pushing.host.operation.stop = stop.get_token();
  pushing.server.before_write = [&] { stop.request_stop(); };

  CHECK_THROWS_AS(pushing.push(), Interrupted);
  CHECK(pushing.names() == std::vector<std::string>{"/srv/app", "/srv/app/src"});
}

TEST_CASE("a guest without an sftp server, or without the owner, says so") {
  Pushing pushing;
  pushing.guest.expect_run("sftp-server", {.status = 77});
  pushing.guest.expect_run("sftp-server", {.status = 78});
  const auto push = [&] {
    push_by_sftp(pushing.folder, pushing.endpoint, pushing.guest, pushing.host.operation);
  };

  CHECK_THROWS_WITH_AS(push(), "folder '/srv/app': the guest has no sftp server", Error);
  CHECK_THROWS_WITH_AS(push(), "folder '/srv/app': the guest has no user 'vagrant'", Error);
}

TEST_CASE("an automatic folder goes by sftp where rsync is missing, and says why") {
  Pushing pushing;
  CopiedFolders folders{[](const SshEndpoint&) { return std::vector<std::string>{"ssh"}; }};
  pushing.folder.type = FolderType::automatic;
  pushing.guest.expect_run("command -v rsync", {.status = 77});
  pushing.expect();

  const FolderSync::Copied copied =
      folders.push(pushing.folder, pushing.endpoint, pushing.guest, pushing.host.operation);

  CHECK(copied.type == FolderType::sftp);
  CHECK(copied.why == "the guest has no rsync");
  CHECK(pushing.server.files.contains("/srv/app/src/a file"));

  pushing.folder.type = FolderType::rsync;
  pushing.guest.expect_run("command -v rsync", {.status = 77});
  CHECK_THROWS_AS(folders.push(pushing.folder, pushing.endpoint, pushing.guest, pushing.host.operation),
                  Error);
}
