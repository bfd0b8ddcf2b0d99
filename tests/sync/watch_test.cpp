#include "sync/watch.h"

#include <doctest/doctest.h>

#include <thread>

#include "base/cancel.h"

using namespace envtool;

namespace fs = std::filesystem;

namespace {

struct Watched {
  TemporaryDirectory directory;
  FolderConfig folder{
      .host = directory.path(), .guest = "/srv", .exclude = {"node_modules/", "/out", "*.swp"}};

  void write(const std::string& name, const std::string& text = "x") const {
    write_file(directory.path() / name, text);
  }
  /// Whether a wait ends by itself, and not because somebody stopped it.
  static bool sees_something(InotifyWatch& watch) {
    std::stop_source stop;
    std::jthread deadline([&stop](const std::stop_token& seen) {
      for (int i = 0; i < 30 && !seen.stop_requested(); ++i)
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      stop.request_stop();
    });
    try {
      watch.wait(stop.get_token());
      return true;
    } catch (const Interrupted&) {
      return false;
    }
  }
};

}  // namespace

TEST_CASE("a directory is excluded by its name anywhere, or by its path from the folder's root") {
  const std::vector<std::string> exclude = {"node_modules/", "/out", "a/b", "*.tmp"};

  CHECK(is_excluded_directory("node_modules", exclude));
  CHECK(is_excluded_directory("web/node_modules", exclude));
  CHECK(is_excluded_directory("out", exclude));
  CHECK(is_excluded_directory("x.tmp", exclude));
  CHECK(is_excluded_directory(".envtool", {}));
  CHECK_FALSE(is_excluded_directory("web/out", exclude));
  CHECK_FALSE(is_excluded_directory("a/b", exclude));
  CHECK_FALSE(is_excluded_directory("src", exclude));
}

TEST_CASE("writing, removing and renaming are seen, in new directories too") {
  const Watched world;
  fs::create_directories(world.directory.path() / "src");
  InotifyWatch watch({world.folder});

  world.write("src/main.c");
  CHECK(Watched::sees_something(watch));
  fs::create_directories(world.directory.path() / "src/new/deep");
  CHECK(Watched::sees_something(watch));
  world.write("src/new/deep/file");
  CHECK(Watched::sees_something(watch));
  fs::rename(world.directory.path() / "src/new", world.directory.path() / "src/other");
  CHECK(Watched::sees_something(watch));
  fs::remove(world.directory.path() / "src/other/deep/file");
  CHECK(Watched::sees_something(watch));
}

TEST_CASE("what happened before the wait is not lost, and is told once") {
  const Watched world;
  InotifyWatch watch({world.folder});
  world.write("one");
  world.write("two");

  CHECK(Watched::sees_something(watch));
  CHECK_FALSE(Watched::sees_something(watch));
}

TEST_CASE("excluded directories are not watched") {
  const Watched world;
  fs::create_directories(world.directory.path() / "node_modules/x");
  fs::create_directories(world.directory.path() / "out");
  InotifyWatch watch({world.folder});
  world.write("node_modules/x/index.js");
  world.write("out/a.o");

  CHECK_FALSE(Watched::sees_something(watch));
}
