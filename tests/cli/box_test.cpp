#include <doctest/doctest.h>

#include "base/hash.h"
#include "support/test_world.h"

using namespace envtool;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

void answer(TestWorld& world, const std::string& line) {
  world.prepare_console = [line](FakeConsole& console) {
    console.input_terminal = true;
    console.answers = {line};
  };
}

}  // namespace

TEST_CASE("a box is added before a machine wants it, and once") {
  TestWorld world;

  const CliResult first = run_cli(world, {"box", "add", "fake/debian"});
  const CliResult second = run_cli(world, {"box", "add", "fake/debian"});
  const CliResult data = run_cli(world, {"box", "--json", "add", "fake/debian"});

  CHECK(first.code == 0);
  CHECK(has(first.errors, "box 'fake/debian' is in the store: 3MiB, sha256:" + sha256("fake/debian")));
  CHECK(has(second.errors, "is in the store already"));
  CHECK(parse_json(data.output, "x")["digest"].as_text() == sha256("fake/debian"));
}

TEST_CASE("behind 'box add' --version is the box's, before it the program's") {
  TestWorld world;

  CHECK(run_cli(world, {"box", "add", "fake/debian", "--version", "1"}).code == 0);
  CHECK(has(run_cli(world, {"--version"}).output, "envtool"));
}

TEST_CASE("an address that means nothing is the command line's mistake") {
  TestWorld world;

  const CliResult result = run_cli(world, {"box", "add", "nonsense"});
  const CliResult provider = run_cli(world, {"box", "add", "fake/debian", "--provider", "fakee"});

  CHECK(result.code == 2);
  CHECK(has(result.errors, "no box 'nonsense'"));
  CHECK(provider.code == 2);
  CHECK(has(run_cli(world, {"box", "list"}).errors, "the store has no box"));
}

TEST_CASE("boxes are listed with what uses them") {
  TestWorld world;
  world.write_envfile("machines: {db: {}, web: {}}\n");
  run_cli(world, {"up"});
  run_cli(world, {"box", "add", "fake/other"});

  const std::string list = run_cli(world, {"box", "list"}).output;
  const Value data = parse_json(run_cli(world, {"box", "list", "--json"}).output, "x");
  const std::string info = run_cli(world, {"box", "info", sha256("fake/debian").substr(0, 6)}).output;

  CHECK(has(list, "fake/debian  fake  3MiB  2 machines"));
  CHECK(has(list, "fake/other   fake  3MiB  unused"));
  REQUIRE(data["boxes"].items().size() == 2);
  CHECK(data["boxes"].items()[0]["machines"].as_texts().size() == 2);
  CHECK(has(info, "sha256:" + sha256("fake/debian")));
  CHECK(has(info, "/web"));
}

TEST_CASE("a box in use is not removed, and with it none of the others") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  run_cli(world, {"box", "add", "fake/other"});

  const CliResult refused = run_cli(world, {"box", "remove", "fake/other", "fake/debian"});

  CHECK(refused.code == 1);
  CHECK(has(refused.errors, "box 'fake/debian' is in use: by @"));
  CHECK(has(refused.errors, "hint: destroy what was made of it first: envtool destroy @"));
  CHECK(has(run_cli(world, {"box", "list"}).output, "fake/other"));

  run_cli(world, {"destroy", "--yes"});
  const CliResult removed = run_cli(world, {"box", "remove", "fake/other", "fake/debian"});

  CHECK(removed.code == 0);
  CHECK(has(removed.errors, "box 'fake/debian' is removed (3MiB)"));
  CHECK(world.backend.calls().back() == "forget_box " + sha256("fake/debian"));
  CHECK(run_cli(world, {"box", "list"}).output.empty());
}

TEST_CASE("a box that is not there is the command line's mistake") {
  TestWorld world;
  run_cli(world, {"box", "add", "fake/debian"});

  const CliResult result = run_cli(world, {"box", "remove", "fake/debain"});

  CHECK(result.code == 2);
  CHECK(has(result.errors, "hint: did you mean 'fake/debian'?"));
}

TEST_CASE("a backend that cannot let go of a box keeps it in the store") {
  TestWorld world;
  run_cli(world, {"box", "add", "fake/debian"});
  world.backend.fail_at("forget_box", "no space");

  const CliResult result = run_cli(world, {"box", "remove", "fake/debian"});

  CHECK(result.code == 1);
  CHECK(has(run_cli(world, {"box", "list"}).output, "fake/debian"));
}

TEST_CASE("what another host keeps of a box is said by remove, and by any prune after it") {
  TestWorld world;
  run_cli(world, {"box", "add", "fake/debian"});
  world.backend.left_elsewhere = "a copy stays";

  const CliResult removed = run_cli(world, {"box", "remove", "fake/debian"});
  const CliResult pruned = run_cli(world, {"box", "prune"});

  CHECK(removed.code == 0);
  CHECK(has(removed.errors, "box 'fake/debian' is removed"));
  CHECK(has(removed.errors, "warning: a copy stays"));
  CHECK(pruned.code == 0);
  CHECK(has(pruned.errors, "warning: a copy stays"));
  CHECK(run_cli(world, {"box", "list"}).output.empty());
}

TEST_CASE("prune asks, and removes what no machine uses") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  run_cli(world, {"box", "add", "fake/one"});
  run_cli(world, {"box", "add", "fake/two"});

  const CliResult alone = run_cli(world, {"box", "prune"});
  answer(world, "n");
  const CliResult refused = run_cli(world, {"box", "prune"});
  CHECK(has(run_cli(world, {"box", "list"}).output, "fake/two"));
  answer(world, "y");
  const CliResult agreed = run_cli(world, {"box", "prune"});

  CHECK(alone.code == 2);
  CHECK(refused.code == 1);
  CHECK(has(refused.errors, "remove 'fake/one', 'fake/two' (6MiB)? [y/N]"));
  CHECK(agreed.code == 0);
  const std::string left = run_cli(world, {"box", "list"}).output;
  CHECK(has(left, "fake/debian"));
  CHECK_FALSE(has(left, "fake/two"));
  CHECK(has(run_cli(world, {"box", "prune"}).errors, "no box is unused"));
}

TEST_CASE("up locks its box, and a newer one waits until it is asked for") {
  TestWorld world;
  world.write_envfile();

  const CliResult first = run_cli(world, {"up"});
  world.boxes.newest_version = "2";
  const std::string outdated = run_cli(world, {"box", "outdated"}).output;
  run_cli(world, {"destroy", "--yes"});
  const CliResult again = run_cli(world, {"up"});
  const CliResult moved = run_cli(world, {"box", "update", "fake/debian"});

  CHECK(has(first.errors, "box 'fake/debian' is locked from now on"));
  CHECK(has(outdated, "fake/debian  1  2  outdated"));
  CHECK_FALSE(has(again.errors, "locked"));
  CHECK(has(moved.errors, "box 'fake/debian' moved from 1 to 2"));
  CHECK(has(run_cli(world, {"box", "outdated"}).output, "current"));
  CHECK(has(run_cli(world, {"box", "update"}).errors, "box 'fake/debian' is up to date: 2"));
}

TEST_CASE("what has no version is outdated once its server has another file") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.boxes.is_another_file = true;

  CHECK(has(run_cli(world, {"box", "outdated"}).output, "fake/debian  1  another file  outdated"));
}

TEST_CASE("up locks what its machines have, made by this or by an earlier one") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  const std::string lock = read_file(world.project() / "Envfile.lock");
  fs::remove(world.project() / "Envfile.lock");

  const CliResult plan = run_cli(world, {"plan", "--exit-code"});
  const CliResult again = run_cli(world, {"up"});

  CHECK(plan.code == 10);
  CHECK(has(again.errors, "box 'fake/debian' is locked from now on"));
  CHECK(read_file(world.project() / "Envfile.lock") == lock);
  CHECK(run_cli(world, {"plan", "--exit-code"}).code == 0);
}

TEST_CASE("an Envfile that names another box than its machine has locks nothing") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  run_cli(world, {"box", "add", "fake/other"});
  world.write("Envfile", "box: fake/other\n");

  run_cli(world, {"up"});

  CHECK_FALSE(has(read_file(world.project() / "Envfile.lock"), "fake/other"));
}

TEST_CASE("a provider forgets what a killed command gave it and the store never got") {
  TestWorld world;
  world.boxes.given_away = {sha256("lost")};

  const CliResult list = run_cli(world, {"box", "list"});

  CHECK(list.code == 0);
  CHECK(world.backend.calls().back() == "forget_box " + sha256("lost"));

  world.boxes.given_away = {sha256("lost")};
  world.backend.fail_at("forget_box", "no root here");
  CHECK(has(run_cli(world, {"box", "prune"}).errors,
            "what a killed command left of a box stays for now: no root here"));
}

TEST_CASE("with --locked a box that is not locked is an error before anything changes") {
  TestWorld world;
  world.write_envfile();

  const CliResult refused = run_cli(world, {"up", "--locked"});
  run_cli(world, {"box", "update"});
  const CliResult locked = run_cli(world, {"up", "--locked"});

  CHECK(refused.code == 3);
  CHECK(has(refused.errors, "box 'fake/debian' is not locked"));
  CHECK(locked.code == 0);
}

TEST_CASE("a box that no machine is made of cannot be updated") {
  TestWorld world;
  world.write_envfile();

  const CliResult result = run_cli(world, {"box", "update", "fake/debain"});

  CHECK(result.code == 2);
  CHECK(has(result.errors, "no machine of this project is made of box 'fake/debain'"));
  CHECK(has(result.errors, "did you mean 'fake/debian'?"));
}

TEST_CASE("what an update no longer finds in the Envfile leaves the lock") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.write("Envfile", "box: fake/other\n");

  run_cli(world, {"box", "update"});

  const std::string lock = read_file(world.project() / "Envfile.lock");
  CHECK(has(lock, "fake/other"));
  CHECK_FALSE(has(lock, "fake/debian"));
}

TEST_CASE("a family of commands wants its second word") {
  TestWorld world;

  const CliResult alone = run_cli(world, {"box"});

  CHECK(alone.code == 2);
  CHECK(
      has(alone.errors,
          "'box' needs to know what to do: add, list, info, verify, outdated, update, build, remove, prune"));
  CHECK(has(run_cli(world, {"box", "lst"}).errors, "did you mean 'box list'?"));
  CHECK(run_cli(world, {"box", "--help"}).code == 0);
}

TEST_CASE("verify tells which box is not as it was stored") {
  TestWorld world;
  run_cli(world, {"box", "add", "fake/good"});
  run_cli(world, {"box", "add", "fake/bad"});
  const CliResult before = run_cli(world, {"box", "verify"});
  world.boxes.damages["fake/bad"] = "its file 'x' is changed";

  const CliResult all = run_cli(world, {"box", "verify"});
  const CliResult good = run_cli(world, {"box", "verify", "fake/good"});
  const CliResult data = run_cli(world, {"box", "verify", "--json"});

  CHECK(before.code == 0);
  CHECK(all.code == 1);
  CHECK(has(all.errors, "box 'fake/good' is as it was stored"));
  const std::string digest = sha256("fake/bad").substr(0, 12);
  CHECK(has(all.errors, "box 'fake/bad' (" + digest + ") is damaged: its file 'x' is changed"));
  CHECK(has(all.errors, "hint: 'envtool box remove " + digest + "' takes it away; then add it again"));
  CHECK(good.code == 0);
  CHECK(data.code == 1);
  CHECK_FALSE(parse_json(data.output, "x")["boxes"].items()[0]["ok"].as_bool(true));
}

TEST_CASE("a box is called by its name, and not by the file that it came from") {
  TestWorld world;
  StoredBox named;
  named.box.digest = sha256("named");
  named.box.format = "fake";
  named.addresses = {"/srv/some.box", "mine@0"};
  world.boxes.others = {named};

  const CliResult list = run_cli(world, {"box", "list"});
  const CliResult info = run_cli(world, {"box", "info", "mine"});

  CHECK(has(list.output, "  mine@0  "));
  CHECK_FALSE(has(list.output, "/srv/some.box"));
  CHECK(has(info.output, "box        mine@0\n"));
  CHECK(has(info.output, "also       /srv/some.box\n"));
}

TEST_CASE("of boxes of one name, --provider says which is meant") {
  TestWorld world;
  run_cli(world, {"box", "add", "fake/debian"});
  StoredBox other;
  other.box.digest = sha256("other");
  other.box.format = "elsewhere";
  other.addresses = {"fake/debian"};
  world.boxes.others = {other};

  const CliResult either = run_cli(world, {"box", "info", "fake/debian"});
  const CliResult one = run_cli(world, {"box", "info", "fake/debian", "--provider", "fake"});
  const CliResult none = run_cli(world, {"box", "info", sha256("other"), "--provider", "fake"});
  const CliResult removed = run_cli(world, {"box", "remove", "fake/debian", "--provider", "fake"});

  CHECK(either.code == 2);
  CHECK(has(either.errors, "'fake/debian' may be several boxes, for 'fake' and 'elsewhere'"));
  CHECK(has(either.errors, "--provider NAME"));
  CHECK(has(one.output, sha256("fake/debian")));
  CHECK(none.code == 2);
  CHECK(has(none.errors, "is for 'elsewhere', not for provider 'fake'"));
  CHECK(removed.code == 0);
  CHECK(has(run_cli(world, {"box", "list"}).output, "elsewhere"));
}
