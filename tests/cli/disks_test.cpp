#include <doctest/doctest.h>

#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A machine that is up, with something on the disk that it keeps and on the one that it does not.
struct DiskWorld : TestWorld {
  static constexpr const char* disks =
      "disks:\n"
      "  - {name: data, size: 1GiB, mount: /srv/data, keep: true}\n"
      "  - {name: scratch, size: 2GiB, mount: /srv/scratch}\n";

  explicit DiskWorld(const std::string& envfile = disks) {
    providers.add(BareProvider::make_info(),
                  [this](Host&) { return std::make_unique<BareProvider>(backend); });
    write_envfile(envfile);
    REQUIRE(run_cli(*this, {"up"}).code == 0);
    backend.write_disk(name(), "data", "rows");
    backend.write_disk(name(), "scratch", "chips");
  }

  std::string name() const { return backend.machines().begin()->first; }
  std::string content(const std::string& disk) const {
    return backend.machines().begin()->second.disks.at(disk);
  }
  Value status() {
    return parse_json(run_cli(*this, {"status", "--json"}).output, "x")["machines"].items()[0];
  }
};

}  // namespace

TEST_CASE("a kept disk survives destroy and comes back with the next machine") {
  DiskWorld world;

  const CliResult destroyed = run_cli(world, {"destroy", "--yes"});
  const CliResult status = run_cli(world, {"status"});
  const CliResult plan = run_cli(world, {"plan"});
  const CliResult up = run_cli(world, {"up"});

  CHECK(destroyed.code == 0);
  CHECK(has(destroyed.errors, "disk 'data' is kept; 'envtool destroy --volumes default' removes it"));
  CHECK(has(status.output, "disk 'data' kept of it"));
  CHECK(has(plan.output, "there is no machine, only its disk 'data'"));
  CHECK_MESSAGE(up.code == 0, up.errors);
  CHECK(world.content("data") == "rows");
  CHECK(world.content("scratch").empty());
}

TEST_CASE("a machine of which only disks are left is not there") {
  DiskWorld world;
  run_cli(world, {"destroy", "--yes"});

  CHECK(has(run_cli(world, {"halt"}).errors, "does not run"));
  CHECK(has(run_cli(world, {"destroy"}).errors, "is not there"));  // nothing to ask about
  CHECK(has(run_cli(world, {"ssh", "-c", "true"}).errors, "'envtool up default' makes it"));
  const Value machine = world.status();
  CHECK(machine["state"].as_text() == "not created");
  CHECK(machine["kept_disks"].as_texts() == std::vector<std::string>{"data"});
}

TEST_CASE("destroy --volumes removes kept disks, with the machine or after it") {
  SUBCASE("with it") {
    DiskWorld world;
    CHECK(run_cli(world, {"destroy", "--yes", "--volumes"}).code == 0);
    CHECK(parse_json(run_cli(world, {"list", "--json"}).output, "x")["environments"].items().empty());
    run_cli(world, {"up"});
    CHECK(world.content("data").empty());
  }
  SUBCASE("after it") {
    DiskWorld world;
    run_cli(world, {"destroy", "--yes"});
    CHECK(has(run_cli(world, {"destroy", "--volumes"}).errors, "--yes"));  // asks
    CHECK(world.status()["kept_disks"].items().size() == 1);
    CHECK(run_cli(world, {"destroy", "--yes", "--volumes"}).code == 0);
    CHECK(parse_json(run_cli(world, {"list", "--json"}).output, "x")["environments"].items().empty());
    run_cli(world, {"up"});
    CHECK(world.content("data").empty());
  }
}

TEST_CASE("what the Envfile says of keeping a disk counts when the machine is destroyed") {
  DiskWorld world;
  world.write_envfile(
      "disks:\n"
      "  - {name: data, size: 1GiB, mount: /srv/data}\n"
      "  - {name: scratch, size: 2GiB, mount: /srv/scratch, keep: true}\n");

  run_cli(world, {"destroy", "--yes"});
  run_cli(world, {"up"});

  CHECK(world.content("data").empty());
  CHECK(world.content("scratch") == "chips");
}

TEST_CASE("an environment is remembered as long as a disk of it is kept") {
  DiskWorld world;
  run_cli(world, {"destroy", "--yes"});

  const CliResult pruned = run_cli(world, {"list", "--prune"});
  CHECK(has(pruned.output, "1 not created, 1 disk kept"));
  world.write_envfile("");
  const CliResult orphan = run_cli(world, {"info"});
  CHECK(has(orphan.output, "disk 'data' kept of it"));
  CHECK(run_cli(world, {"destroy", "@shop", "--yes", "--volumes"}).code == 0);
  CHECK(has(run_cli(world, {"list"}).errors, "no environment"));
}

TEST_CASE("making a machine anew keeps its disks, and so does one that cannot be made") {
  DiskWorld world;
  run_cli(world, {"destroy", "--yes"});

  world.backend.break_at("create", "power cut");
  CHECK(run_cli(world, {"up"}).code == 1);
  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(world.content("data") == "rows");
  world.write("Envfile", std::string("box: fake/other\nfolders: []\n") + DiskWorld::disks);
  CHECK(run_cli(world, {"up", "--recreate", "--yes"}).code == 0);
  CHECK(world.content("data") == "rows");
}

TEST_CASE("a disk that is taken out stays until the machine is made anew") {
  DiskWorld world;
  world.write_envfile("disks: [{name: data, size: 1GiB, mount: /srv/data, keep: true}]\n");

  const CliResult restarted = run_cli(world, {"up", "--restart"});
  const CliResult reloaded = run_cli(world, {"reload"});
  const CliResult anew = run_cli(world, {"up", "--recreate", "--yes"});

  const std::string left = "changed in the Envfile and left: 'disks' ('envtool up --recreate' applies it)";
  CHECK(has(restarted.errors, left));
  CHECK_FALSE(has(restarted.errors, "restarting it"));
  CHECK(has(reloaded.errors, left));
  CHECK(has(anew.errors, "making it anew for 'disks'"));
  CHECK(world.content("data") == "rows");
  CHECK(world.status()["pending"].items().empty());
}

TEST_CASE("kept disks stay with their provider") {
  DiskWorld world;
  run_cli(world, {"destroy", "--yes"});
  world.write_envfile("provider: bare\n");

  const CliResult up = run_cli(world, {"up"});

  CHECK(up.code == 2);
  CHECK(has(up.errors, "provider 'fake' keeps disks of it, and it is to be made by 'bare'"));
  CHECK(has(up.errors, "'envtool destroy --volumes default' removes them"));
  CHECK(run_cli(world, {"destroy", "--yes", "--volumes"}).code == 0);
  CHECK(run_cli(world, {"up"}).code == 0);
}

TEST_CASE("a disk without a mount, or kept, is refused by name where the provider cannot") {
  TestWorld world;
  world.write_envfile("disks: [{name: raw, size: 1GiB}]\n");

  const CliResult result = run_cli(world, {"up"});

  CHECK(result.code == 6);
  CHECK(has(result.errors, "disk 'raw' has no 'mount', and provider 'fake' has no disks without one"));
  CHECK(has(result.errors, "--> Envfile:3:"));
}

TEST_CASE("info shows a machine's disks") {
  DiskWorld world;

  const CliResult text = run_cli(world, {"info"});
  const Value json = parse_json(run_cli(world, {"info", "--json"}).output, "x");

  CHECK(has(text.output, "data, 1GiB on /srv/data (kept)"));
  CHECK(has(text.output, "scratch, 2GiB on /srv/scratch"));
  CHECK(json["disks"].items()[0]["keep"].as_bool());
  CHECK(json["disks"].items()[1]["mount"].as_text() == "/srv/scratch");
}
