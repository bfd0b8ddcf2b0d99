#include "core/box_lock.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/support/scripted_host.h"

using namespace envtool;

namespace {

const std::string sha(64, 'a');

BoxPin pin(const std::string& architecture, const std::string& version) {
  return {.format = "lxc",
          .architecture = architecture,
          .version = version,
          .url = "https://f.test/" + version,
          .sha256 = sha,
          .checksum = {}};
}

BoxConfig named(const std::string& name, bool personal = false) {
  BoxConfig box;
  box.name = name;
  box.personal = personal;
  return box;
}

std::string complaint(const std::string& text) {
  try {
    BoxLock::parse(text, "'Envfile.lock'");
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a lock file reads back to the same, and each value has a line") {
  BoxLock lock;
  lock.merge("owner/box@~> 1", {pin("arm64", "1.2"), pin("amd64", "1.2")});

  const std::string text = lock.to_text();

  CHECK(BoxLock::parse(text, "x") == lock);
  CHECK(text == R"({
  "about": "written by 'envtool up', moved by 'envtool box update'; belongs into version control",
  "version": 1,
  "boxes": {
    "owner/box@~> 1": [
      {
        "format": "lxc",
        "architecture": "amd64",
        "version": "1.2",
        "url": "https://f.test/1.2",
        "sha256": ")" +
                    sha + R"("
      },
      {
        "format": "lxc",
        "architecture": "arm64",
        "version": "1.2",
        "url": "https://f.test/1.2",
        "sha256": ")" +
                    sha + R"("
      }
    ]
  }
}
)");
}

TEST_CASE("the order in which boxes are locked does not show") {
  BoxLock one, other;
  one.merge("a", {pin("amd64", "1")});
  one.merge("b", {pin("amd64", "2"), pin("arm64", "2")});
  other.merge("b", {pin("arm64", "2")});
  other.merge("b", {pin("amd64", "2")});
  other.merge("a", {pin("amd64", "1")});

  CHECK(one.to_text() == other.to_text());
}

TEST_CASE("a pin takes the place of the one for the same format and architecture") {
  BoxLock lock;
  lock.merge("a", {pin("amd64", "1"), pin("arm64", "1")});

  lock.merge("a", {pin("amd64", "2")});

  CHECK(lock.pins_of("a") == std::vector{pin("amd64", "2"), pin("arm64", "1")});
  CHECK(lock.pins_of("b").empty());
}

TEST_CASE("what is wrong in a lock file is named by its place") {
  const auto with = [](const std::string& boxes) { return R"({"version": 1, "boxes": )" + boxes + "}"; };

  CHECK(complaint("<<<<<<< ours") == "'Envfile.lock': not valid JSON at byte 1");
  CHECK(complaint("{}") == "'Envfile.lock': it is no lock file");
  CHECK(complaint(R"({"version": 2, "boxes": {}})") == "'Envfile.lock': it was written by a newer envtool");
  CHECK(complaint(with("[]")) == "'Envfile.lock': it is no lock file");
  CHECK(complaint(with(R"({"a": {}})")) == "'Envfile.lock': boxes.a: expected a list");
  CHECK(complaint(with(R"({"a": [1]})")) == "'Envfile.lock': boxes.a[0]: expected a map");
  CHECK(complaint(with(R"({"a": [{}]})")) == "'Envfile.lock': boxes.a[0].format: is missing");
  CHECK(complaint(with(R"({"a": [{"format": "lxc", "url": 3}]})")) ==
        "'Envfile.lock': boxes.a[0].url: expected text, found a number");
  CHECK(complaint(with(R"({"a": [{"format": "lxc", "sha256": "12"}]})")) ==
        "'Envfile.lock': boxes.a[0].sha256: expected 64 hexadecimal digits, found '12'");
}

TEST_CASE("a box is locked by what asks for it, and a file of this host is not") {
  BoxConfig box = named("owner/box");
  box.version = "~> 4.3";
  CHECK(lock_address(box) == "owner/box@~> 4.3");
  box.url = "https://f.test/b.box";
  CHECK(lock_address(box) == "https://f.test/b.box@~> 4.3");
  CHECK(lock_address(named("https://f.test/b.box")) == "https://f.test/b.box");
  CHECK(lock_address(named("build:debian/bookworm")) == "build:debian/bookworm");
  for (const char* local : {"./my.box", "/srv/x", "~/x", "../x", "my.box", "file:///x", "mine"})
    CHECK(lock_address(named(local)).empty());
}

TEST_CASE("boxes of the user's own files are locked outside of the project") {
  const TemporaryDirectory directory;
  HostPaths paths;
  paths.data = directory.path() / "data";
  ScriptedHost scripted;
  Operation& operation = scripted.operation;

  BoxLocks locks(directory.path(), paths);
  CHECK(locks.record(named("owner/shared"), {pin("amd64", "1")}, operation));
  CHECK_FALSE(locks.record(named("owner/shared"), {pin("amd64", "1")}, operation));
  locks.record(named("owner/own", true), {pin("amd64", "2")}, operation);
  locks.record(named("./local.box"), {pin("amd64", "3")}, operation);

  const std::string text = read_file(directory.path() / "Envfile.lock");
  CHECK(text.find("owner/shared") != std::string::npos);
  CHECK(text.find("own\"") == std::string::npos);
  CHECK(text.find("local") == std::string::npos);
  BoxLocks again(directory.path(), paths);
  CHECK(again.pins_of(named("owner/own", true)) == std::vector{pin("amd64", "2")});
  CHECK(again.pins_of(named("owner/own")).empty());
  again.keep_only({named("owner/own", true)}, operation);
  CHECK(BoxLocks(directory.path(), paths).pins_of(named("owner/shared")).empty());
}
