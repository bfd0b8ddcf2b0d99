#include "boxes/metadata.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"

using namespace envtool;

namespace {

/// What a box of those files is said to lack; empty when nothing.
std::string complaint(const std::string& metadata, const std::vector<std::string>& files) {
  const TemporaryDirectory directory;
  if (!metadata.empty()) write_file(directory.path() / "metadata.json", metadata);
  for (const auto& file : files) write_file(directory.path() / file, "x");
  try {
    check_box_content(directory.path(), read_box_facts(directory.path()));
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a box has metadata.json at its root, which names its provider") {
  CHECK(complaint("", {"rootfs.tar.gz"}) == "there is no 'metadata.json' at its root");
  CHECK(complaint("{}", {"rootfs.tar.gz"}) == "'metadata.json' does not name its 'provider'");
  CHECK(complaint("[1]", {}) == "'metadata.json' does not name its 'provider'");
  CHECK(complaint("{", {}).find("metadata.json") != std::string::npos);
}

TEST_CASE("an LXC box has one of the versions that Vagrant's plugin knows") {
  CHECK(complaint(R"({"provider": "lxc", "version": "1.0.0"})", {"rootfs.tar.gz"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": 2})", {"rootfs.tar"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": "3"})", {"rootfs.tar.zst"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": "4"})", {"rootfs.tar.gz"}) ==
        "'metadata.json' has version '4'; for lxc it is 1.0.0, 2 or 3");
  CHECK(complaint(R"({"provider": "lxc"})", {"rootfs.tar.gz"}) ==
        "'metadata.json' has no 'version'; for lxc it is 1.0.0, 2 or 3");
}

TEST_CASE("an LXC box has exactly one root file system") {
  const std::string metadata = R"({"provider": "lxc", "version": "1.0.0"})";

  CHECK(complaint(metadata, {}) == "expected one 'rootfs.tar.*' at its root, found 0");
  CHECK(complaint(metadata, {"rootfs.tar.gz", "rootfs.tar.xz"}) ==
        "expected one 'rootfs.tar.*' at its root, found 2");
  CHECK(complaint(metadata, {"rootfs.targz"}) == "expected one 'rootfs.tar.*' at its root, found 0");
}

TEST_CASE("of a Vagrantfile only a plain assignment of the ssh user counts") {
  const std::pair<std::string, std::string> cases[] = {
      {"config.ssh.username = \"ada\"", "ada"},
      {"  config.ssh.username='ada'  # who", "ada"},
      {"config.ssh.username = \"a\"\nconfig.ssh.username = \"b\"", "b"},
      {"# config.ssh.username = \"ada\"", ""},
      {"config.ssh.username = ENV['USER']", ""},
      {"config.ssh.username = \"a\" + \"b\"", ""},
      {"config.ssh.username = \"ada", ""},
      {"config.ssh.username == \"ada\"", ""},
      {"config.ssh.username = \"-oProxyCommand=x\"", ""},
      {"config.ssh.username_x = \"ada\"", ""},
      {"", ""},
  };
  for (const auto& [text, user] : cases) {
    CAPTURE(text);
    CHECK(vagrantfile_defaults(text).ssh_user == user);
  }
}
