#include <doctest/doctest.h>

#include <thread>

#include <filesystem>

#include "base/files.h"
#include "core/environment.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

/// A directory with a state and projects, and a store over it as one host sees it.
struct World {
  TemporaryDirectory directory;
  ScriptedHost scripted;
  Host host{scripted.runner, scripted.clock, scripted.reporter, {}, {}, {}};

  World() { host.paths.state = directory.path() / "state"; }

  EnvironmentStore store(const std::string& machine_id = "this-host") { return {host, machine_id}; }
  fs::path project(const std::string& name) {
    const fs::path path = directory.path() / name;
    fs::create_directories(path);
    return path;
  }
};

}  // namespace

TEST_CASE("a project keeps its environment from one command to the next") {
  World world;
  const fs::path project = world.project("shop");

  const Environment made = world.store().ensure(project, "shop", false);
  const FoundEnvironment found = world.store().find(project, "shop");

  REQUIRE(found.environment);
  CHECK(found.environment->id == made.id);
  CHECK(made.id.size() == 16);
}

TEST_CASE("several at once in a new project make one environment") {
  World world;
  SystemClock clock;
  Host host{world.scripted.runner, clock, world.scripted.reporter, {}, world.host.paths, {}};
  const fs::path project = world.project("shop");
  std::vector<std::string> ids(4);

  {
    std::vector<std::jthread> commands;
    for (std::string& id : ids)
      commands.emplace_back(
          [&] { id = EnvironmentStore(host, "this-host").ensure(project, "shop", false).id; });
  }

  for (const std::string& id : ids) CHECK(id == ids.front());
  CHECK(world.store().all().size() == 1);
}

TEST_CASE("a project that gets another name is known by it, and so is one that is moved") {
  World world;
  const Environment made = world.store().ensure(world.project("shop"), "shop", false);

  world.store().find(world.project("shop"), "store");
  CHECK(world.store().by_reference("store").id == made.id);
  fs::rename(world.project("shop"), world.directory.path() / "moved");
  world.store().find(world.directory.path() / "moved", "moved");
  CHECK(world.store().by_reference("moved").id == made.id);
}

TEST_CASE("looking for an environment makes none") {
  World world;

  const FoundEnvironment found = world.store().find(world.project("shop"), "shop");

  CHECK_FALSE(found.environment);
  CHECK_FALSE(fs::exists(world.host.paths.state));
  CHECK_FALSE(fs::exists(world.project("shop") / ".envtool"));
}

TEST_CASE("an id file that was cleaned away is written again") {
  World world;
  const fs::path project = world.project("shop");
  const Environment made = world.store().ensure(project, "shop", false);
  fs::remove_all(project / ".envtool");

  const FoundEnvironment found = world.store().find(project, "shop");

  REQUIRE(found.environment);
  CHECK(found.environment->id == made.id);
  CHECK(fs::exists(project / ".envtool" / "id"));
}

TEST_CASE("another project in a cleaned directory does not take over its environment") {
  World world;
  const fs::path project = world.project("shop");
  const Environment made = world.store().ensure(project, "shop", false);
  fs::remove_all(project / ".envtool");

  CHECK_THROWS_WITH_AS(world.store().ensure(project, "blog", false),
                       doctest::Contains("held the environment of project 'shop', and this is 'blog'"),
                       Error);
  CHECK(world.store().ensure(project, "blog", true).id == made.id);
}

TEST_CASE("a moved project keeps its environment and the record follows") {
  World world;
  const Environment made = world.store().ensure(world.project("old"), "shop", false);
  fs::rename(world.project("old"), world.directory.path() / "new");

  const FoundEnvironment found = world.store().find(world.project("new"), "shop");

  REQUIRE(found.environment);
  CHECK(found.environment->id == made.id);
  CHECK(world.store().all().front().directory == world.project("new"));
}

TEST_CASE("a copy of a project has no environment until it makes its own") {
  World world;
  const Environment made = world.store().ensure(world.project("original"), "shop", false);
  fs::copy(world.project("original"), world.directory.path() / "copy", fs::copy_options::recursive);

  const FoundEnvironment found = world.store().find(world.project("copy"), "shop");
  const Environment own = world.store().ensure(world.project("copy"), "shop", false);

  CHECK_FALSE(found.environment);
  CHECK(found.note.find("copy of") != std::string::npos);
  CHECK(found.note.find("'envtool up' gives this one others") != std::string::npos);
  CHECK(own.id != made.id);
  CHECK(world.store().find(world.project("original"), "shop").environment->id == made.id);
}

TEST_CASE("a project copied from another host gets an environment of its own") {
  World world;
  const fs::path project = world.project("shop");
  const Environment elsewhere = world.store("other-host").ensure(project, "shop", false);
  remove_tree(world.host.paths.state);

  CHECK_FALSE(world.store().find(project, "shop").environment);
  CHECK(world.store().ensure(project, "shop", false).id != elsewhere.id);
}

TEST_CASE("the path wins over an id file that names another environment") {
  World world;
  const Environment shop = world.store().ensure(world.project("shop"), "shop", false);
  world.store().ensure(world.project("blog"), "blog", false);
  fs::copy_file(world.project("blog") / ".envtool/id", world.project("shop") / ".envtool/id",
                fs::copy_options::overwrite_existing);

  const FoundEnvironment found = world.store().find(world.project("shop"), "shop");

  REQUIRE(found.environment);
  CHECK(found.environment->id == shop.id);
}

TEST_CASE("lost state is taken up again under the same id, so that its machines can be found") {
  World world;
  const fs::path project = world.project("shop");
  const Environment made = world.store().ensure(project, "shop", false);
  remove_tree(world.host.paths.state);

  CHECK(world.store().ensure(project, "shop", false).id == made.id);
}

TEST_CASE("an environment is meant by its name or by digits of its id") {
  World world;
  const Environment shop = world.store().ensure(world.project("a"), "shop", false);
  world.store().ensure(world.project("b"), "blog", false);

  CHECK(world.store().by_reference("shop").id == shop.id);
  CHECK(world.store().by_reference(shop.id.substr(0, 8)).id == shop.id);
  CHECK_THROWS_AS(world.store().by_reference(shop.id.substr(0, 3)), Error);
}

TEST_CASE("an ambiguous reference lists the candidates") {
  World world;
  world.store().ensure(world.project("a"), "shop", false);
  world.store().ensure(world.project("b"), "shop", false);

  CHECK_THROWS_WITH_AS(world.store().by_reference("shop"), doctest::Contains("could be any of these"), Error);
}

TEST_CASE("a damaged record still shows in the list") {
  World world;
  const Environment made = world.store().ensure(world.project("shop"), "shop", false);
  write_file(made.state / "project.json", "{torn");

  REQUIRE(world.store().all().size() == 1);
  CHECK(world.store().all().front().id == made.id);
}

TEST_CASE("forgetting leaves nothing of the environment in the state or the project") {
  World world;
  const fs::path project = world.project("shop");
  const Environment made = world.store().ensure(project, "shop", false);

  world.store().forget(made);

  CHECK_FALSE(fs::exists(made.state));
  CHECK_FALSE(fs::exists(project / ".envtool"));
  CHECK(fs::exists(project));
}
