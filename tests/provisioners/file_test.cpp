#include "provisioners/file/file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "provisioners/support.h"

using namespace envtool;

namespace {

struct Files : Provisioning {
  Files() : Provisioning(register_file_provisioner) {}

  std::string source(const std::string& name, const std::string& content, unsigned mode = 0644) const {
    write_file(place.path() / name, content, mode);
    return (place.path() / name).string();
  }
};

}  // namespace

TEST_CASE("a file goes to its place with the mode it has") {
  Files files;
  files.guest.expect_run("mkdir -p -- /srv/app");
  files.guest.expect_upload("/srv/app/run");

  files.run(
      files.item(Value::map({{"source", files.source("run", "x", 0750)}, {"destination", "/srv/app/run"}})));

  const auto& upload = files.guest.uploads.at(0);
  CHECK(upload.content == "x");
  CHECK(upload.mode == 0750);
  CHECK_FALSE(upload.as_root);
}

TEST_CASE("an owner makes root write the file, with the owner's group") {
  Files files;
  files.guest.expect_run("mkdir");
  files.guest.expect_run("id -gn -- www-data", {.output = "web\n"});
  files.guest.expect_upload("/etc/app.ini");

  files.run(files.item(Value::map({{"source", files.source("app.ini", "x")},
                                   {"destination", "/etc/app.ini"},
                                   {"owner", "www-data"},
                                   {"mode", "0600"}})));

  const auto& upload = files.guest.uploads.at(0);
  CHECK(upload.as_root);
  CHECK(upload.owner == "www-data:web");
  CHECK(upload.mode == 0600);
}

TEST_CASE("a slash at the end means into that directory") {
  Files files;
  files.guest.expect_run("mkdir -p -- /srv");
  files.guest.expect_upload("/srv/a b");

  files.run(files.item(Value::map({{"source", files.source("a b", "x")}, {"destination", "/srv/"}})));
}

TEST_CASE("a directory is packed on the host and unpacked in the guest") {
  Files files;
  make_directories(files.place.path() / "conf");
  const std::string source = (files.place.path() / "conf").string();
  files.host.runner.expect({"tar", "--create", "--file=-", "--directory=" + source, "."}, {.output = "TAR"});
  files.guest.expect_run(
      "tar --extract --file=- --preserve-permissions --no-overwrite-dir --directory=/srv/conf");

  files.run(files.item(Value::map({{"source", source}, {"destination", "/srv/conf"}})));

  CHECK(files.guest.commands.at(0).input == "TAR");
}

TEST_CASE("the owner of a directory goes into the archive, so that nothing else in its place changes") {
  const std::vector<std::string> words = pack_command("/conf", "www-data:web");

  CHECK(words == std::vector<std::string>{"tar", "--create", "--file=-", "--directory=/conf",
                                          "--owner=www-data:0", "--group=web:0", "."});
  CHECK(unpack_script("/etc", "www-data:web").find("chown -R") == std::string::npos);
}

TEST_CASE("an owner that the guest does not have is named") {
  Files files;
  files.guest.expect_run("mkdir");
  files.guest.expect_run("id -gn", {.status = 1});

  CHECK_THROWS_WITH_AS(
      files.run(files.item(
          Value::map({{"source", files.source("x", "x")}, {"destination", "/x"}, {"owner", "nobody2"}}))),
      "the guest has no user 'nobody2'", Error);
}

TEST_CASE("a place the ssh user may not write to is explained") {
  Files files;
  files.guest.expect_run("mkdir", {.status = 1, .error = "mkdir: Permission denied\n"});

  try {
    files.run(files.item(Value::map({{"source", files.source("x", "x")}, {"destination", "/opt/a/x"}})));
    FAIL("it went on");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "cannot write '/opt/a/x' in the guest: mkdir: Permission denied");
    CHECK(error.hint() == "it is written as the ssh user; `owner: root` lets root write it");
  }
}

TEST_CASE("a missing source and a mode that is none are problems of the Envfile") {
  Files files;

  const auto problems = files.provisioner().check(
      files.item(Value::map({{"source", "/nonexistent"}, {"destination", "/x"}, {"mode", "rwx"}})));

  REQUIRE(problems.size() == 2);
  CHECK(problems[0].text == "file: no file or directory 'nonexistent' in '/'");
  CHECK(problems[1].text == "file: expected an octal mode, found 'rwx'");
}

TEST_CASE("the fingerprint of a directory sees contents, modes and links below") {
  Files files;
  make_directories(files.place.path() / "conf/deep");
  const auto item =
      files.item(Value::map({{"source", (files.place.path() / "conf").string()}, {"destination", "/x"}}));
  std::vector<std::string> seen = {files.provisioner().fingerprint(item, files.project)};
  const auto changes = [&] {
    seen.push_back(files.provisioner().fingerprint(item, files.project));
    return seen.back() != seen[seen.size() - 2];
  };

  write_file(files.place.path() / "conf/deep/a", "1");
  CHECK(changes());
  write_file(files.place.path() / "conf/deep/a", "2");
  CHECK(changes());
  ::chmod((files.place.path() / "conf/deep/a").c_str(), 0600);
  CHECK(changes());
  std::filesystem::create_symlink("a", files.place.path() / "conf/deep/b");
  CHECK(changes());
  CHECK_FALSE(changes());
}
