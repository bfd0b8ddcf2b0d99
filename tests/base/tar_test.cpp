#include "base/tar.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"

using namespace envtool;

namespace {

/// What the host's tar says of an archive of these entries.
std::string listing(const std::string& entries) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "a.tar", entries + tar_end());
  return SystemProcessRunner()
      .run({.argv = {"tar", "--numeric-owner", "--utc", "-tvf", (directory.path() / "a.tar").string()},
            .environment = {{"LC_ALL", "C"}}},
           {})
      .output;
}

}  // namespace

TEST_CASE("tar reads what is written by hand") {
  const std::string archive =
      tar_header(
          {.name = "etc/hosts", .mode = 0640, .uid = 1000, .gid = 65535, .size = 5, .modified = 86400}) +
      "hello" + tar_padding(5) +
      tar_header({.name = "etc/", .kind = TarEntry::Kind::directory, .mode = 0755}) +
      tar_header({.name = "l", .kind = TarEntry::Kind::link, .mode = 0777, .link_to = "/etc/hosts"});

  CHECK(archive.size() % tar_block == 0);
  CHECK(listing(archive) ==
        "-rw-r----- 1000/65535        5 1970-01-02 00:00 etc/hosts\n"
        "drwxr-xr-x 0/0               0 1970-01-01 00:00 etc/\n"
        "lrwxrwxrwx 0/0               0 1970-01-01 00:00 l -> /etc/hosts\n");
}

TEST_CASE("a long name is split at a slash, and one that cannot be is refused") {
  const std::string directory(90, 'd'), file(100, 'f');

  CHECK(listing(tar_header({.name = directory + "/" + file})).ends_with(" " + directory + "/" + file + "\n"));
  CHECK_THROWS_WITH_AS(tar_header({.name = file + "f"}), doctest::Contains("too long for a name"), Error);
  CHECK_THROWS_AS(tar_header({.name = std::string(200, 'd') + "/f"}), Error);
}

TEST_CASE("sizes of 8 GiB and more are written as GNU's tar has them") {
  const std::string archive = tar_header({.name = "large", .size = (9ULL << 30) + 1});

  CHECK(listing(archive).find("9663676417") != std::string::npos);
}
