#include <doctest/doctest.h>

#include <algorithm>

#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// A project with machines that are up.
struct UpWorld : TestWorld {
  explicit UpWorld(const std::string& envfile = "") {
    providers.add(BareProvider::make_info(),
                  [this](Host&) { return std::make_unique<BareProvider>(backend); });
    write_envfile(envfile);
    REQUIRE(run_cli(*this, {"up"}).code == 0);
  }

  std::string backend_name(const std::string& machine = "default") const {
    for (const auto& [name, found] : backend.machines())
      if (found.spec.name == machine) return name;
    return {};
  }
  FakeBackend::Machine machine(const std::string& name = "default") const {
    return backend.machines().at(backend_name(name));
  }
  long count_of(const std::string& call) const {
    const auto calls = backend.calls();
    return std::count_if(calls.begin(), calls.end(),
                         [&](const std::string& one) { return one.starts_with(call + " "); });
  }
};

}  // namespace

TEST_CASE("a suspended machine is shown as paused and goes on by resume") {
  UpWorld world;

  CHECK(run_cli(world, {"suspend"}).code == 0);
  CHECK(has(run_cli(world, {"status"}).output, "paused"));
  const CliResult ssh = run_cli(world, {"ssh", "-c", "true"});
  CHECK(ssh.code == 1);
  CHECK(has(ssh.errors, "'envtool resume default'"));

  CHECK(run_cli(world, {"resume"}).code == 0);
  CHECK(world.machine().phase == MachinePhase::running);
  CHECK(world.machine().starts == 1);
}

TEST_CASE("suspending twice and resuming what runs does nothing") {
  UpWorld world;
  run_cli(world, {"suspend"});

  const CliResult again = run_cli(world, {"suspend"});
  CHECK(again.code == 0);
  CHECK(has(again.errors, "it is paused; nothing to suspend"));
  CHECK(world.count_of("suspend") == 1);

  run_cli(world, {"resume"});
  CHECK(run_cli(world, {"resume"}).code == 0);
  CHECK(world.count_of("resume") == 1);
}

TEST_CASE("up resumes a paused machine, halt and destroy end it") {
  UpWorld world;
  run_cli(world, {"suspend"});
  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(world.machine().phase == MachinePhase::running);
  CHECK(world.machine().starts == 1);

  run_cli(world, {"suspend"});
  CHECK(run_cli(world, {"halt"}).code == 0);
  CHECK(world.machine().phase == MachinePhase::stopped);

  run_cli(world, {"up"});
  run_cli(world, {"suspend"});
  CHECK(run_cli(world, {"destroy", "--yes"}).code == 0);
  CHECK(world.backend.machines().empty());
}

TEST_CASE("a snapshot gives the disk back, with what provisioners had done, and provisions nothing") {
  UpWorld world("provision: [{note: hello}]\n");
  world.backend.write_disk(world.backend_name(), "old");
  REQUIRE(run_cli(world, {"snapshot", "save", "clean"}).code == 0);
  world.backend.write_disk(world.backend_name(), "newer");
  world.write_envfile("provision: [{note: hello}, {note: more}]\n");
  run_cli(world, {"up"});
  const auto commands = world.guests.commands().size();

  const CliResult result = run_cli(world, {"snapshot", "restore", "clean"});

  CHECK(result.code == 0);
  CHECK(world.machine().disk == "old");
  CHECK(world.machine().phase == MachinePhase::running);
  CHECK(world.machine().starts == 2);
  CHECK(world.guests.commands().size() == commands);
  const std::string plan = run_cli(world, {"plan"}).output;
  CHECK(has(plan, "provision"));
  run_cli(world, {"up"});
  CHECK(world.guests.commands().size() == commands + 1);  // the second one alone was due again
}

TEST_CASE("a snapshot that cannot be restored is refused before the machine is stopped for it") {
  UpWorld world;
  run_cli(world, {"snapshot", "save", "clean"});
  world.backend.fail_at("check_snapshot", "its disk is gone");

  const CliResult result = run_cli(world, {"snapshot", "restore", "clean"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "its disk is gone"));
  CHECK(world.machine().phase == MachinePhase::running);
  CHECK(world.machine().starts == 1);
}

TEST_CASE("restoring a stopped machine leaves it stopped") {
  UpWorld world;
  run_cli(world, {"halt"});
  run_cli(world, {"snapshot", "save", "clean"});

  CHECK(run_cli(world, {"snapshot", "restore", "clean"}).code == 0);

  CHECK(world.machine().phase == MachinePhase::stopped);
  CHECK(world.machine().starts == 1);
}

TEST_CASE("snapshots are listed and deleted") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  world.backend.write_disk(world.backend_name("web"), std::string(2048, 'x'));
  run_cli(world, {"snapshot", "save", "one", "web"});
  run_cli(world, {"snapshot", "save", "two"});

  const std::string list = run_cli(world, {"snapshot", "list"}).output;
  CHECK(has(list, "one"));
  CHECK(has(list, "2024-05-01T10:20:30Z"));
  CHECK(has(list, "2KiB"));

  CHECK(run_cli(world, {"snapshot", "delete", "two"}).code == 0);
  CHECK(run_cli(world, {"snapshot", "delete", "one"}).code == 0);
  CHECK(world.machine("web").snapshots.empty());
  CHECK(world.machine("db").snapshots.empty());
  CHECK(has(run_cli(world, {"snapshot", "list"}).errors, "there is no snapshot"));
}

TEST_CASE("a snapshot that is not there is exit 2 with what was meant") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  run_cli(world, {"snapshot", "save", "clean", "web"});

  const CliResult typo = run_cli(world, {"snapshot", "restore", "claen"});
  CHECK(typo.code == 2);
  CHECK(has(typo.errors, "machine 'web' has no snapshot 'claen'"));
  CHECK(has(typo.errors, "did you mean 'clean'?"));

  const CliResult other = run_cli(world, {"snapshot", "restore", "clean", "db"});
  CHECK(other.code == 2);
  CHECK(has(other.errors, "machine 'db' has no snapshot 'clean'"));
  CHECK(world.count_of("restore_snapshot") == 0);
  CHECK(run_cli(world, {"snapshot", "restore", "clean"}).code == 0);  // of all that have it
  CHECK(world.count_of("restore_snapshot") == 1);
}

TEST_CASE("a name that is taken or none is refused before anything is done") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  run_cli(world, {"snapshot", "save", "clean", "web"});

  const CliResult taken = run_cli(world, {"snapshot", "save", "clean"});
  CHECK(taken.code == 1);
  CHECK(has(taken.errors, "machine 'web' has a snapshot 'clean' already"));
  for (const char* bad : {"../x", "a b", ".hidden"}) {
    CAPTURE(bad);
    CHECK(run_cli(world, {"snapshot", "save", bad}).code == 2);
  }
  CHECK(world.count_of("save_snapshot") == 1);
}

TEST_CASE("a machine that can have no snapshots keeps the others from being saved too") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  world.backend.fail_at("check_saving", "it lies in a store without snapshots");

  const CliResult result = run_cli(world, {"snapshot", "save", "clean"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "error: machine 'db': it lies in a store without snapshots\n"));
  CHECK(world.count_of("save_snapshot") == 0);
}

TEST_CASE("a machine that a snapshot was cut off in goes on at the next command") {
  UpWorld world;
  world.backend.break_at("save_snapshot", "killed");
  CHECK(run_cli(world, {"snapshot", "save", "clean"}).code == 1);
  CHECK(world.machine().phase == MachinePhase::paused);

  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(world.machine().phase == MachinePhase::running);
  CHECK(run_cli(world, {"snapshot", "save", "clean"}).code == 0);
}

TEST_CASE("a restore that was cut off claims no provisioner that may not be in the disk") {
  UpWorld world("provision: [{note: hello}]\n");
  run_cli(world, {"snapshot", "save", "done"});
  world.write_envfile("provision: [{note: hello}, {note: more}]\n");
  run_cli(world, {"up"});
  world.backend.break_at("restore_snapshot", "killed");
  CHECK(run_cli(world, {"snapshot", "restore", "done"}).code == 1);
  const auto commands = world.guests.commands().size();

  CHECK(run_cli(world, {"up"}).code == 0);

  CHECK(world.guests.commands().size() == commands + 1);
}

TEST_CASE("limits hold until the next up") {
  UpWorld world("cpus: 2\nmemory: 1GiB\n");
  CHECK(has(run_cli(world, {"limits"}).output, "1GiB"));

  CHECK(run_cli(world, {"limits", "--memory", "2GiB", "--cpu-set", "0-1"}).code == 0);
  CHECK(world.machine().limits == Limits{2, ByteSize{2ULL << 30}, "0-1"});
  CHECK(run_cli(world, {"limits", "--cpus", "none"}).code == 0);
  CHECK(world.machine().limits == Limits{{}, ByteSize{2ULL << 30}, "0-1"});

  run_cli(world, {"up"});
  CHECK(world.machine().limits == Limits{2, ByteSize{1ULL << 30}, ""});
}

TEST_CASE("limits above what the host has are set, with a warning") {
  UpWorld world("");

  const CliResult result = run_cli(world, {"limits", "--cpus", "99999"});

  CHECK(result.code == 0);
  CHECK(has(result.errors, "warning: '--cpus' is 99999, and this host has "));
}

TEST_CASE("limits that are saved hold after the next up, and all else of the file stays") {
  UpWorld world("cpus: 2\nmachines: {db: {}, web: {cpus: 1}}\n");
  world.write("Envfile.local", "# mine\nparams: {}\n");

  CHECK(run_cli(world, {"limits", "web", "--memory", "2GiB", "--save"}).code == 0);

  CHECK(read_file(world.project() / "Envfile.local") ==
        "# mine\nmachines:\n  web:\n    memory: 2GiB\nparams: {}\n");
  const auto applied = world.count_of("apply_limits");
  run_cli(world, {"up"});
  CHECK(world.count_of("apply_limits") == applied);
  CHECK(world.machine("web").limits == Limits{1, ByteSize{2ULL << 30}, ""});
}

TEST_CASE("a set of CPUs is saved as the provider's option, and applied when that changes") {
  UpWorld world("machines: {db: {}, web: {}}\n");

  CHECK(run_cli(world, {"limits", "web", "--cpu-set", "0,2-3", "--save"}).code == 0);

  CHECK(read_file(world.project() / "Envfile.local") ==
        "machines:\n  web:\n    providers:\n      fake:\n        cpu_set: \"0,2-3\"\n");
  const auto applied = world.count_of("apply_limits");
  run_cli(world, {"up"});
  CHECK(world.count_of("apply_limits") == applied);
  CHECK(world.machine("web").limits.cpu_set == "0,2-3");
  world.write("Envfile.local", "machines: {web: {providers: {fake: {cpu_set: 1}}}}\n");
  run_cli(world, {"up"});
  CHECK(world.machine("web").limits.cpu_set == "1");
  CHECK(world.machine("db").limits.cpu_set.empty());
}

TEST_CASE("limits of a stopped machine can be saved only") {
  UpWorld world;
  run_cli(world, {"halt"});

  const CliResult live = run_cli(world, {"limits", "--cpus", "1"});
  CHECK(live.code == 1);
  CHECK(has(live.errors, "machine 'default' is stopped"));
  CHECK(run_cli(world, {"limits", "--cpus", "1", "--save"}).code == 0);
  CHECK(read_file(world.project() / "Envfile.local") == "cpus: 1\n");
}

TEST_CASE("limits that make no sense are exit 2 and change nothing") {
  UpWorld world("machines: {web: {count: 2}}\n");
  const std::vector<std::vector<std::string>> nonsense = {{"--cpus", "0"},           {"--cpus", "many"},
                                                          {"--memory", "2"},         {"--save"},
                                                          {"--cpus", "1", "--save"}, {"--cpus", "1.5"}};
  for (auto words : nonsense) {
    words.insert(words.begin(), {"limits", "web-1"});
    CAPTURE(words[2]);
    CHECK(run_cli(world, words).code == 2);
  }
  CHECK_FALSE(std::filesystem::exists(world.project() / "Envfile.local"));
}

TEST_CASE("exec takes the provider's own way in where there is one") {
  UpWorld world;
  world.write("Envfile", "box: fake/debian\nfolders: [\".:/srv\"]\n");
  world.backend.attach_status = 7;
  std::filesystem::create_directories(world.project() / "src");
  world.working_directory = world.project() / "src";

  const CliResult result = run_cli(world, {"exec", "-u", "postgres", "--", "psql", "a b"});

  CHECK(result.code == 7);
  CHECK(world.backend.calls().back() ==
        "attach psql 'a b' as postgres in '/srv/src': " + world.backend_name());
  CHECK(world.processes.calls().empty());
}

TEST_CASE("exec goes by SSH where the other way in would ask for a password") {
  UpWorld world;
  world.backend.attach_asks = true;
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{.status = 3}; };

  CHECK(run_cli(world, {"exec", "--", "true"}).code == 3);
  CHECK(run_cli(world, {"ssh", "--attach"}).code == 0);
}

TEST_CASE("ssh --attach runs a command without SSH") {
  UpWorld world;

  CHECK(run_cli(world, {"ssh", "--attach", "-c", "uptime | cat"}).code == 0);

  CHECK(has(world.backend.calls().back(), "attach [uptime | cat] as "));
  CHECK(run_cli(world, {"ssh", "--attach", "--", "-L", "1:b:2"}).code == 2);
}

TEST_CASE("a console needs a terminal") {
  UpWorld world;
  CHECK(run_cli(world, {"console"}).code == 2);
  world.prepare_console = [](FakeConsole& console) {
    console.input_terminal = console.output_terminal = true;
  };

  const CliResult result = run_cli(world, {"console"});

  CHECK(result.code == 0);
  CHECK(has(result.errors, "Ctrl-a q leaves it"));
  CHECK(world.count_of("open_console") == 1);
}

TEST_CASE("usage is shown where it is asked for") {
  UpWorld world;

  CHECK_FALSE(has(run_cli(world, {"status"}).output, "34MiB"));
  CHECK(has(run_cli(world, {"status", "--usage"}).output, "memory 34MiB"));
  const std::string info = run_cli(world, {"info"}).output;
  CHECK(has(info, "cpu time 1.5 s"));
  CHECK(has(info, "3KiB received"));
  CHECK(parse_json(run_cli(world, {"info", "--json"}).output, "info")["usage"]["processes"] == Value(12));
}

TEST_CASE("package makes a box of a machine that runs, is paused or stopped, which stays so") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  world.backend.write_disk(world.backend_name("db"), "its disk");
  const auto box = [&world](const std::string& name) { return read_file(world.project() / name); };

  const CliResult running = run_cli(world, {"package", "db"});
  CHECK(running.code == 0);
  CHECK(has(running.errors, "is packaged as 'package.box', 8B"));
  CHECK(box("package.box") == "its disk");
  CHECK(world.machine("db").phase == MachinePhase::running);

  run_cli(world, {"suspend", "db"});
  CHECK(run_cli(world, {"package", "db", "--output", "paused.box"}).code == 0);
  CHECK(world.machine("db").phase == MachinePhase::paused);
  run_cli(world, {"halt", "db"});
  CHECK(run_cli(world, {"package", "db", "-o", "stopped.box"}).code == 0);
  CHECK(box("stopped.box") == "its disk");
  CHECK(world.machine("db").phase == MachinePhase::stopped);
}

TEST_CASE("package wants one machine, and one that is there") {
  UpWorld world("machines: {db: {}, web: {}}\n");
  CHECK(run_cli(world, {"package"}).code == 2);
  CHECK(run_cli(world, {"package", "dp"}).code == 2);
  run_cli(world, {"destroy", "db", "--yes"});

  const CliResult result = run_cli(world, {"package", "db"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "machine 'db' is not created, so there is nothing to make a box of"));
  CHECK(has(result.errors, "'envtool up db' makes it"));
}

TEST_CASE("a package that breaks off lets the machine run on") {
  UpWorld world;
  world.backend.break_at("export_rootfs", "the power fails");

  const CliResult result = run_cli(world, {"package"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "the power fails"));
  CHECK(world.machine().phase == MachinePhase::running);
}

TEST_CASE("a machine that a killed package left standing still runs on by the next command") {
  UpWorld world;
  world.backend.on_call = [&world](const std::string& call, const std::string&, Operation&) {
    if (call == "resume") throw Interrupted{};
  };
  world.backend.break_at("export_rootfs", "the power fails");
  run_cli(world, {"package"});
  CHECK(world.machine().phase == MachinePhase::paused);
  world.backend.on_call = {};

  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(world.machine().phase == MachinePhase::running);
}

TEST_CASE("what a provider cannot do is exit 6 with those that can") {
  UpWorld world;
  run_cli(world, {"destroy", "--yes"});
  REQUIRE(run_cli(world, {"up", "--provider", "bare"}).code == 0);
  const std::vector<std::pair<std::vector<std::string>, std::string>> commands = {
      {{"suspend"}, "suspend machines"},
      {{"resume"}, "suspend machines"},
      {{"snapshot", "save", "x"}, "take snapshots"},
      {{"snapshot", "list"}, "take snapshots"},
      {{"limits"}, "limit running machines"},
      {{"limits", "--cpus", "1"}, "limit running machines"},
      {{"package"}, "make boxes of machines"},
      {{"ssh", "--attach"}, "run programs without SSH"}};
  for (const auto& [words, ability] : commands) {
    CAPTURE(words[0]);

    const CliResult result = run_cli(world, words);

    CHECK(result.code == 6);
    CHECK(has(result.errors, "provider 'bare' cannot " + ability + "; providers that can: fake"));
  }
  CHECK(run_cli(world, {"info"}).code == 0);
  CHECK(run_cli(world, {"status", "--usage"}).code == 0);
}

TEST_CASE("what the provider of --provider lacks is refused before anything is made") {
  UpWorld world("cpus: 2\n");
  run_cli(world, {"destroy", "--yes"});

  const CliResult other = run_cli(world, {"up", "--provider", "bare"});

  CHECK(other.code == 6);
  CHECK(has(other.errors, "'cpus' is not supported by provider 'bare'"));
  CHECK(world.backend.machines().empty());
  CHECK(run_cli(world, {"up"}).code == 0);
}
