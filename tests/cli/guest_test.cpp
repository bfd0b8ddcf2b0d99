#include "cli/commands/guest.h"

#include <doctest/doctest.h>

#include "base/files.h"

using namespace envtool;

namespace {
FolderConfig folder(std::filesystem::path host, std::string guest) {
  FolderConfig made;
  made.host = std::move(host);
  made.guest = std::move(guest);
  return made;
}
}  // namespace

TEST_CASE("a directory below a shared folder has its counterpart in the guest") {
  const TemporaryDirectory top;
  std::filesystem::create_directories(top.path() / "src" / "a b");
  const std::vector<FolderConfig> folders = {folder(top.path(), "/vagrant"),
                                             folder(top.path() / "src", "/srv/app/")};

  CHECK(guest_directory(folders, top.path()) == "/vagrant");
  CHECK(guest_directory(folders, top.path() / "docs") == "/vagrant/docs");
  CHECK(guest_directory(folders, top.path() / "src") == "/srv/app");
  CHECK(guest_directory(folders, top.path() / "src" / "a b") == "/srv/app/a b");
  CHECK_FALSE(guest_directory(folders, "/usr").has_value());
  CHECK_FALSE(guest_directory({}, top.path()).has_value());
}

TEST_CASE("a directory whose name only begins like a folder's is not in it") {
  CHECK_FALSE(guest_directory({folder("/srv/app", "/x")}, "/srv/app2").has_value());
}

TEST_CASE("a symbolic link to the project leads to the same place") {
  const TemporaryDirectory top;
  std::filesystem::create_directories(top.path() / "real" / "sub");
  std::filesystem::create_directory_symlink(top.path() / "real", top.path() / "link");

  CHECK(guest_directory({folder(top.path() / "real", "/vagrant")}, top.path() / "link" / "sub") ==
        "/vagrant/sub");
}

TEST_CASE("a line runs in the directory, or in the home where that is not there") {
  CHECK(in_directory("/srv/a b", "ls") == "cd '/srv/a b' 2>/dev/null; ls");
  CHECK(in_directory(std::nullopt, "ls") == "ls");
}
