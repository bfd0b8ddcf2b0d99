#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// The backend's machines by the machine's name in the project.
std::map<std::string, FakeBackend::Machine> machines_of(const TestWorld& world) {
  std::map<std::string, FakeBackend::Machine> found;
  for (const auto& [name, machine] : world.backend.machines()) found[machine.spec.name] = machine;
  return found;
}

}  // namespace

TEST_CASE("the version needs no project") {
  TestWorld world;

  CHECK(run_cli(world, {"version"}).output.starts_with("envtool "));
  CHECK(run_cli(world, {"--version"}).output == run_cli(world, {"version"}).output);
  CHECK(parse_json(run_cli(world, {"version", "--json"}).output, "x")["version"].is_text());
}

TEST_CASE("without a command there is a short help and exit 2") {
  TestWorld world;

  const CliResult result = run_cli(world, {});

  CHECK(result.code == 2);
  CHECK(has(result.output, "envtool up"));
}

TEST_CASE("every command has a help page that begins with its usage") {
  TestWorld world;
  const std::string overview = run_cli(world, {"--help"}).output;
  for (const char* name : {"box add",
                           "box list",
                           "box info",
                           "box verify",
                           "box remove",
                           "box prune",
                           "init",
                           "validate",
                           "config",
                           "schema",
                           "plan",
                           "up",
                           "provision",
                           "reload",
                           "halt",
                           "destroy",
                           "suspend",
                           "resume",
                           "snapshot save",
                           "snapshot list",
                           "snapshot restore",
                           "snapshot delete",
                           "limits",
                           "console",
                           "ssh",
                           "exec",
                           "cp",
                           "sync",
                           "logs",
                           "status",
                           "info",
                           "port",
                           "ssh-config",
                           "inventory",
                           "list",
                           "doctor",
                           "providers",
                           "completion",
                           "version"}) {
    CAPTURE(name);

    std::vector<std::string> words = split(name, ' ');
    words.push_back("--help");
    const CliResult result = run_cli(world, words);

    CHECK(result.code == 0);
    CHECK(result.output.starts_with("usage: envtool " + std::string(name)));
    CHECK(has(overview, "  " + std::string(name)));
    for (const std::string& line : split(result.output, '\n')) CHECK(display_width(line) <= 130);
  }
  CHECK_FALSE(has(overview, "__complete"));
}

TEST_CASE("a mistake on the command line is exit 2 with what was meant") {
  TestWorld world;

  const CliResult result = run_cli(world, {"statsu"});

  CHECK(result.code == 2);
  CHECK(result.errors == "error: no command 'statsu'\n  hint: did you mean 'status'?\n");
  CHECK(result.output.empty());
}

TEST_CASE("without an Envfile every command that needs one says so") {
  TestWorld world;
  for (const char* name : {"up", "status", "validate", "config", "plan", "destroy", "ssh", "inventory"}) {
    CAPTURE(name);

    const CliResult result = run_cli(world, {name});

    CHECK(result.code == 2);
    CHECK(has(result.errors, "error: "));
  }
}

TEST_CASE("init writes an Envfile that is valid, and never over another") {
  TestWorld world;

  CHECK(run_cli(world, {"init", "fake/debian"}).code == 0);
  CHECK(has(read_file(world.project() / ".gitignore"), ".envtool/\n"));
  CHECK(run_cli(world, {"validate"}).code == 0);
  CHECK(parse_json(read_file(world.project() / ".envtool/schema.json"), "schema")["$schema"].is_text());

  const CliResult again = run_cli(world, {"init"});
  CHECK(again.code == 2);
  CHECK(has(again.errors, "there is an Envfile already"));
  CHECK(run_cli(world, {"init", "--force"}).code == 0);
}

TEST_CASE("init's answer is data too") {
  TestWorld world;

  const CliResult result = run_cli(world, {"init", "./my box.box", "--json"});

  const Value document = parse_json(result.output, "init");
  CHECK(document["file"] == Value((world.project() / "Envfile").string()));
  CHECK(document["box"] == Value("./my box.box"));
  CHECK(result.errors.empty());
  CHECK(has(read_file(world.project() / "Envfile"), "\nbox: \"./my box.box\"\n"));
}

TEST_CASE("init leaves the user's own .gitignore lines alone") {
  TestWorld world;
  world.write(".gitignore", "*.o\nEnvfile.local");

  run_cli(world, {"init"});

  CHECK(read_file(world.project() / ".gitignore") == "*.o\nEnvfile.local\n.envtool/\n");
}

TEST_CASE("a bad Envfile is exit 3 with all its problems") {
  TestWorld world;
  world.write("Envfile", "box: fake/debian\nmemroy: 2G\ncpus: many\n");

  const CliResult result = run_cli(world, {"validate"});
  const CliResult json = run_cli(world, {"validate", "--json"});

  CHECK(result.code == 3);
  CHECK(has(result.errors, "Envfile:2:1"));
  CHECK(has(result.errors, "did you mean 'memory'?"));
  CHECK(has(result.errors, "Envfile:3:"));
  CHECK(json.code == 3);
  const Value document = parse_json(json.output, "x");
  CHECK(document["valid"] == Value(false));
  CHECK(document["problems"].items().size() == 2);
  CHECK(document["problems"].items()[0]["line"] == Value(2));
}

TEST_CASE("what the provider does not support is exit 6, each key by its name, and nothing is made") {
  TestWorld world;
  world.write("ca.pem", "");
  world.write_envfile(
      "disk: 5GiB\nnetworks: [{name: lan, bridge: br0, mac: "
      "'52:54:00:aa:bb:cc'}]\ncloud_init: {inline: x}\nproxy: host\nca_certs: [ca.pem]\nssh: {password: "
      "x}\n");

  const CliResult result = run_cli(world, {"up"});

  CHECK(result.code == 6);
  for (const std::string key :
       {"disk", "networks.bridge", "networks.mac", "cloud_init", "proxy", "ca_certs", "ssh.password"})
    CHECK(has(result.errors,
              fmt::format("error: '{}' is not supported by provider 'fake'\n  --> Envfile:", key)));
  CHECK(world.backend.machines().empty());
}

TEST_CASE("up creates, starts and provisions, and does nothing the second time") {
  TestWorld world;
  world.write_envfile("provision: [{note: hello}]\n");

  const CliResult first = run_cli(world, {"up"});
  const CliResult second = run_cli(world, {"up"});

  CHECK_MESSAGE(first.code == 0, first.errors);
  CHECK(has(first.errors, "default: is up ("));
  CHECK(machines_of(world).at("default").phase == MachinePhase::running);
  CHECK(second.code == 0);
  CHECK(has(second.errors, "default: is up, nothing to do\n"));
  CHECK(world.guests.commands().size() >= 1);
}

TEST_CASE("machines of one project know each other's names, whichever comes first") {
  TestWorld world;
  std::mutex mutex;
  std::map<std::string, std::string> told;
  world.guests.answer = [&](const std::string& machine, const GuestCommand& command) {
    const std::lock_guard lock(mutex);
    if (has(command.script, "/etc/hosts")) told[machine.substr(0, machine.rfind('-'))] = command.input;
    return ProcessResult{};
  };
  world.write_envfile("machines: {db: {aliases: [data]}, web: {depends_on: [db]}}\n");

  const CliResult first = run_cli(world, {"up"});
  const std::size_t commands = world.guests.commands().size();
  const CliResult second = run_cli(world, {"up"});

  CHECK_MESSAGE(first.code == 0, first.errors);
  CHECK(has(told["shop-db"], " web\n"));
  CHECK_MESSAGE(told.count("shop-web") == 0, "it was started with db's name");
  CHECK(has(second.errors, "nothing to do"));
  CHECK(world.guests.commands().size() == commands);
}

TEST_CASE("up leaves a colleague's editor the schema that the Envfile names") {
  TestWorld world;
  world.write_envfile();

  run_cli(world, {"up"});

  CHECK(read_file(world.project() / ".envtool/schema.json") == run_cli(world, {"schema"}).output);
}

TEST_CASE("status shows every machine and asks the backend") {
  TestWorld world;
  world.write_envfile("machines: {db: {}, web: {count: 2}}\n");
  run_cli(world, {"up", "db"});

  const CliResult up = run_cli(world, {"status"});
  world.backend.kill(world.backend.machines().begin()->first);
  const CliResult killed = run_cli(world, {"status"});

  CHECK(up.output.starts_with("db     running      fake  10.99.0.3\n"));
  CHECK(has(up.output, "web-2  not created\n"));
  CHECK(has(killed.output, "db     stopped"));
}

TEST_CASE("status tells who works on a machine, and is not in their way") {
  TestWorld world;
  world.write_envfile();
  CliResult words, data;
  world.backend.on_call = [&](const std::string& call, const std::string&, Operation&) {
    if (call != "start") return;
    words = run_cli(world, {"status"});
    data = run_cli(world, {"status", "--json"});
  };

  const CliResult up = run_cli(world, {"up"});
  const CliResult later = run_cli(world, {"status"});

  CHECK(up.code == 0);
  CHECK_MESSAGE(has(words.output, fmt::format("busy: pid {}, 'envtool up', since ", ::getpid())),
                words.output);
  const Value machine = parse_json(data.output, "status")["machines"].items()[0];
  CHECK(machine["busy"].as_text().starts_with("pid "));
  CHECK_FALSE(has(later.output, "busy"));
}

TEST_CASE("an Envfile's messages are the last words, and only of success") {
  TestWorld world;
  world.write_envfile("message: |\n  open http://localhost\n  and log in\n");

  const CliResult first = run_cli(world, {"up"});
  const CliResult again = run_cli(world, {"reload"});
  const CliResult data = run_cli(world, {"up", "--json"});
  world.backend.break_at("start", "power cut");
  run_cli(world, {"halt"});
  const CliResult failed = run_cli(world, {"up"});

  CHECK_MESSAGE(first.errors.ends_with("s)\nopen http://localhost\nand log in\n"), first.errors);
  CHECK(again.errors.ends_with("and log in\n"));
  CHECK(has(data.output, "open http://localhost\\nand log in"));
  CHECK(split(trim(data.output), '\n').back().find("\"event\":\"result\"") != std::string::npos);
  CHECK(failed.code == 1);
  CHECK_FALSE(has(failed.errors, "open"));
}

TEST_CASE("a second checkout's machines have other names for ssh") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  CHECK(has(run_cli(world, {"ssh-config"}).output, "Host default.shop\n"));
  world.working_directory = world.home() / "shop";
  write_file(world.working_directory / "Envfile", "box: fake/debian\nfolders: []\n");

  run_cli(world, {"up"});
  const std::string second = run_cli(world, {"ssh-config"}).output;

  const std::string id =
      parse_json(run_cli(world, {"status", "--json"}).output, "x")["environment"].as_text();
  CHECK_MESSAGE(second.starts_with(fmt::format("Host default.shop-{}\n", id.substr(0, 4))), second);
}

TEST_CASE("a failed machine is exit 1, the others go on") {
  TestWorld world;
  world.write_envfile("machines: {db: {}, web: {depends_on: [db]}, mail: {}}\n");
  world.backend.on_call = [](const std::string& call, const std::string& name, Operation&) {
    if (call == "start" && name.find("-db-") != std::string::npos) throw Error(ErrorKind::failed, "no power");
  };

  const CliResult result = run_cli(world, {"up"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "error: machine 'db': no power"));
  CHECK(has(result.errors, "web: warning: skipped, because 'db' failed"));
  CHECK(has(result.errors, "mail: is up"));
}

TEST_CASE("destroy asks, and without a terminal wants --yes") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});

  const CliResult alone = run_cli(world, {"destroy"});
  world.prepare_console = [](FakeConsole& console) {
    console.input_terminal = true;
    console.answers = {"n"};
  };
  const CliResult refused = run_cli(world, {"destroy"});
  CHECK(machines_of(world).size() == 1);
  world.prepare_console = [](FakeConsole& console) {
    console.input_terminal = true;
    console.answers = {"y"};
  };
  const CliResult agreed = run_cli(world, {"destroy"});

  CHECK(alone.code == 2);
  CHECK(has(alone.errors, "hint: say --yes"));
  CHECK(refused.code == 1);
  CHECK(has(refused.errors, "destroy 'default' and all that is in it? [y/N]"));
  CHECK(agreed.code == 0);
  CHECK(machines_of(world).empty());
}

TEST_CASE("destroying what is not there is done at once, without a question") {
  TestWorld world;
  world.write_envfile();

  const CliResult result = run_cli(world, {"destroy"});

  CHECK(result.code == 0);
  CHECK(result.errors == "nothing to do\n");
}

TEST_CASE("an unknown machine is exit 2 with the nearest name") {
  TestWorld world;
  world.write_envfile("machines: {database: {}, web: {}}\n");
  for (const char* name : {"up", "status", "halt", "ssh", "info"}) {
    CAPTURE(name);

    const CliResult result = run_cli(world, {name, "databse"});

    CHECK(result.code == 2);
    CHECK(has(result.errors, "did you mean 'database'?"));
  }
}

TEST_CASE("halt stops, reload starts again") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});

  CHECK(run_cli(world, {"halt"}).code == 0);
  CHECK(machines_of(world).at("default").phase == MachinePhase::stopped);
  CHECK(has(run_cli(world, {"halt"}).errors, "does not run"));
  CHECK(run_cli(world, {"reload"}).code == 0);
  CHECK(machines_of(world).at("default").phase == MachinePhase::running);
  CHECK(machines_of(world).at("default").starts == 2);
}

TEST_CASE("reload leaves alone what is not there, and what a mistake in the Envfile would keep down") {
  TestWorld world;
  world.write_envfile("machines: {web: {}, db: {autostart: false}}\n");

  const CliResult early = run_cli(world, {"reload"});
  run_cli(world, {"up", "web"});
  const CliResult later = run_cli(world, {"reload"});
  world.write_envfile("machines: {web: {folders: ['./gone:/srv']}}\n");
  const CliResult mistaken = run_cli(world, {"reload"});

  CHECK(early.code == 0);
  CHECK(has(early.errors, "web: it is not there; 'envtool up' makes it"));
  CHECK(has(later.errors, "db: it is not there"));
  CHECK(machines_of(world).size() == 1);
  CHECK(machines_of(world).at("web").starts == 2);
  CHECK(mistaken.code == 3);
  CHECK(machines_of(world).at("web").phase == MachinePhase::running);
}

TEST_CASE("plan tells what up would do and changes nothing") {
  TestWorld world;
  world.write_envfile("provision: [{note: hello}]\n");

  const CliResult before = run_cli(world, {"plan", "--exit-code"});
  CHECK(world.backend.calls().empty());
  run_cli(world, {"up"});
  const CliResult after = run_cli(world, {"plan", "--exit-code"});

  CHECK(before.code == 10);
  CHECK(has(before.output, "create"));
  CHECK(after.code == 0);
  CHECK(after.output == "default: nothing to do\n");
}

TEST_CASE("an option that a machine keeps for good needs a new machine, and plan says so") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.write_envfile("providers: {fake: {shape: round, speed: 2}}\n");

  const CliResult plan = run_cli(world, {"plan"});
  const CliResult restarted = run_cli(world, {"up", "--restart"});
  const CliResult recreated = run_cli(world, {"up", "--recreate", "--yes"});

  CHECK(plan.output ==
        "default: nothing to do\n"
        "  changed in the Envfile and left: 'providers.fake' ('envtool up --restart' applies it)\n"
        "  changed in the Envfile and left: 'providers.fake.shape' ('envtool up --recreate' applies it)\n");
  CHECK(has(restarted.errors, "restarting it for 'providers.fake'\n"));
  CHECK(has(restarted.errors, "left: 'providers.fake.shape' ('envtool up --recreate' applies it)"));
  CHECK(has(recreated.errors, "making it anew for 'providers.fake.shape'"));
  CHECK(run_cli(world, {"plan"}).output == "default: nothing to do\n");
}

TEST_CASE("what a failed provisioner left in the guest is ended before it runs again") {
  TestWorld world;
  world.write_envfile("provision: [{note: deploy}]\n");
  world.guests.answer = [](const std::string&, const GuestCommand& command) {
    return ProcessResult{.status = command.argv.empty() ? 0 : 1};
  };
  CHECK(run_cli(world, {"up"}).code == 1);
  world.guests.answer = {};
  const auto ends = [&] {
    const auto commands = world.guests.commands();
    return std::count_if(commands.begin(), commands.end(),
                         [](const std::string& command) { return has(command, ": end of job "); });
  };
  CHECK(ends() == 0);

  CHECK(run_cli(world, {"up"}).code == 0);
  CHECK(ends() == 1);
  CHECK(run_cli(world, {"provision"}).code == 0);
  CHECK(ends() == 1);
}

TEST_CASE("a machine that left the Envfile is destroyed by name, and said so") {
  TestWorld world;
  world.write_envfile("machines: {a: {}, b: {}}\n");
  run_cli(world, {"up"});
  world.write_envfile("machines: {a: {}}\n");

  const CliResult result = run_cli(world, {"up", "--remove-orphans"});

  CHECK(has(result.errors, "b: is destroyed ("));
  CHECK_FALSE(has(result.errors, "b: is up"));
}

TEST_CASE("up tells of machines that left the Envfile, until they are gone") {
  TestWorld world;
  world.write_envfile("machines: {a: {}, b: {}, c: {}}\n");
  run_cli(world, {"up"});
  world.write_envfile("machines: {a: {}}\n");

  const CliResult left = run_cli(world, {"up"});
  run_cli(world, {"up", "--remove-orphans"});
  const CliResult after = run_cli(world, {"up"});

  CHECK(left.code == 0);
  CHECK(has(left.errors,
            "not in the Envfile, and left: 'b', 'c' ('envtool up --remove-orphans' destroys them)"));
  CHECK_FALSE(has(after.errors, "not in the Envfile"));
}

TEST_CASE("a failure to destroy what left the Envfile is up's failure") {
  TestWorld world;
  const std::string hook = "hooks: [{before: destroy, run: forbid}]\n";
  world.write_envfile(hook + "machines: {a: {}, b: {}}\n");
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{.status = 3}; };
  run_cli(world, {"up"});
  world.write_envfile(hook + "machines: {a: {}}\n");

  const CliResult result = run_cli(world, {"up", "--remove-orphans"});

  CHECK(result.code == 1);
  CHECK(world.backend.machines().size() == 2);
}

TEST_CASE("a wrong --param gets no advice for a wrong Envfile") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});

  const CliResult result = run_cli(world, {"status", "--param", "x=1"});

  CHECK(result.code == 2);
  CHECK(has(result.errors, "the Envfile has no parameter 'x'"));
  CHECK_FALSE(has(result.errors, "@shop"));
}

TEST_CASE("the log of a machine to which nothing was done says how it begins") {
  TestWorld world;
  world.write_envfile();

  const CliResult result = run_cli(world, {"logs"});

  CHECK(result.code == 0);
  CHECK(has(result.errors, "nothing was done to machine 'default' yet; 'envtool up default' makes it"));
}

TEST_CASE("a project that gets another name is known by it") {
  TestWorld world;
  world.write_envfile("name: first\n");
  run_cli(world, {"up"});
  world.write_envfile("name: second\n");

  run_cli(world, {"up"});

  CHECK(has(run_cli(world, {"list"}).output, "second"));
  CHECK(run_cli(world, {"destroy", "@second", "--yes"}).code == 0);
}

TEST_CASE("Ctrl-C at a question is an answer") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.prepare_console = [&](FakeConsole& console) {
    console.input_terminal = true;
    world.stop.request_stop();
  };

  CHECK(run_cli(world, {"destroy"}).code == 130);
  CHECK(world.backend.machines().size() == 1);
}

TEST_CASE("a host that cannot hold machines is exit 4") {
  TestWorld world;
  world.write_envfile();
  world.backend.host_problem = "the kernel is too old";

  const CliResult up = run_cli(world, {"up"});
  const CliResult doctor = run_cli(world, {"doctor"});

  CHECK(up.code == 4);
  CHECK(has(up.errors, "the kernel is too old"));
  CHECK(doctor.code == 4);
  CHECK(has(doctor.output, "missing  memory to keep machines in: the kernel is too old"));
  CHECK(doctor.output.find("the kernel is too old") == doctor.output.rfind("the kernel is too old"));
  CHECK(has(run_cli(world, {"providers"}).output, "usable  no: the kernel is too old"));
}

TEST_CASE("doctor --fix shows what it will do and does it once, but only when told so") {
  TestWorld world;
  world.variables["PATH"] = world.home().string();
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{}; };

  const CliResult asked = run_cli(world, {"doctor", "--fix"});
  const std::size_t calls_without_consent = world.processes.calls().size();
  const CliResult told = run_cli(world, {"doctor", "--fix", "--yes"});

  CHECK(asked.code == 2);
  CHECK(has(asked.errors, "--yes"));
  CHECK(calls_without_consent == 0);
  CHECK(told.code == 0);
  CHECK(has(told.errors, "sudo apt-get install --yes rsync"));
  CHECK(world.processes.calls().size() == 3);
  CHECK(has(world.processes.calls()[1], "apt-get install --yes rsync"));
}

TEST_CASE("doctor --fix says which command fails and goes on with what else there is to mend") {
  TestWorld world;
  world.variables["PATH"] = world.home().string();
  world.processes.answer = [](const ProcessSpec&) {
    return ProcessResult{.status = 100, .output = {}, .error = "E: no network\n"};
  };

  const CliResult result = run_cli(world, {"doctor", "--fix", "--yes"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "apt-get install --yes openssh-client"));
  CHECK(has(result.errors, "E: no network"));
  CHECK(has(result.errors, "apt-get install --yes rsync"));
  CHECK(has(result.output, "missing  ssh"));
  CHECK(world.processes.calls().size() == 3);
}

TEST_CASE("a busy machine is exit 5 and names who is at work") {
  TestWorld world;
  world.write_envfile();
  CliResult inner, waiting;
  world.backend.on_call = [&](const std::string& call, const std::string&, Operation&) {
    if (call != "start") return;
    inner = run_cli(world, {"halt"});
    waiting = run_cli(world, {"halt", "--wait=2"});
  };

  const CliResult outer = run_cli(world, {"up"});

  CHECK(outer.code == 0);
  CHECK(inner.code == 5);
  CHECK(has(inner.errors, "envtool up"));
  CHECK(has(inner.errors, "hint: wait for it with --wait"));
  CHECK(waiting.code == 5);
  CHECK(has(waiting.errors, "another envtool still works on it after 2 s (pid "));
  CHECK_FALSE(has(waiting.errors, "wait for it with"));
}

TEST_CASE("who has just taken a machine and not said yet who it is makes no riddle of the message") {
  TestWorld world;
  world.write_envfile();
  CliResult inner;
  world.backend.on_call = [&](const std::string& call, const std::string&, Operation&) {
    if (call != "start") return;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(world.home()))
      if (entry.path().filename() == "lock") std::filesystem::resize_file(entry.path(), 0);
    inner = run_cli(world, {"halt"});
  };

  run_cli(world, {"up"});

  CHECK(inner.code == 5);
  CHECK(has(inner.errors, "another envtool is working on it (it does not say which)"));
}

TEST_CASE("a failure that nobody foresaw is told with its machine, and the step undone") {
  TestWorld world;
  world.write_envfile();
  world.backend.on_call = [](const std::string& call, const std::string&, Operation&) {
    if (call == "create") throw std::runtime_error("the sky fell");
  };

  const CliResult result = run_cli(world, {"up"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "error: machine 'default': the sky fell"));
  CHECK(has(result.errors, "create: failed"));
  CHECK(has(run_cli(world, {"list"}).errors, "no environment"));
}

TEST_CASE("an interrupted command is exit 130, and the next one goes on") {
  TestWorld world;
  world.write_envfile();
  world.backend.on_call = [&](const std::string& call, const std::string&, Operation&) {
    if (call == "start") world.stop.request_stop();
  };

  const CliResult result = run_cli(world, {"up"});
  world.backend.on_call = nullptr;
  world.stop = {};
  const CliResult next = run_cli(world, {"up"});

  CHECK(result.code == 130);
  CHECK(has(result.errors, "stopping at the next safe point"));
  CHECK(result.errors.ends_with("interrupted; 'envtool up' goes on from here\n"));
  CHECK(next.code == 0);
  CHECK(machines_of(world).at("default").phase == MachinePhase::running);
}

TEST_CASE("environments are listed, and destroyed by name from elsewhere") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  std::filesystem::remove_all(world.project());
  world.working_directory = world.home();

  const CliResult list = run_cli(world, {"list"});
  const CliResult destroyed = run_cli(world, {"destroy", "@shop", "--yes"});

  CHECK(has(list.output, "1 running"));
  CHECK(has(list.output, "(gone)"));
  CHECK_MESSAGE(destroyed.code == 0, destroyed.errors);
  CHECK(machines_of(world).empty());
  CHECK(has(run_cli(world, {"list"}).errors, "no environment has machines"));
}

TEST_CASE("-C works from another directory and -f on another file") {
  TestWorld world;
  world.write_envfile("machines: {web: {}}\n");
  world.write("other.yaml", "box: fake/debian\nmachines: {mail: {}}\n");
  world.working_directory = world.home();

  CHECK(has(run_cli(world, {"-C", world.project().string(), "status"}).output, "web"));
  CHECK(has(run_cli(world, {"status", "-C", "../shop", "-f", "other.yaml"}).output, "mail"));
  CHECK(run_cli(world, {"-C", "nowhere", "status"}).code == 2);
  CHECK(has(run_cli(world, {"-C", "tmp/..", "status"}).errors,
            "there is no Envfile in '" + world.home().string() + "' or above it"));
}

TEST_CASE("an Envfile may come from standard input") {
  TestWorld world;
  world.prepare_console = [](FakeConsole& console) {
    console.input = "box: fake/debian\nmachines: {piped: {}}\n";
  };

  const CliResult result = run_cli(world, {"-f", "-", "status"});

  CHECK_MESSAGE(has(result.output, "piped"), result.errors);
}

TEST_CASE("ssh hands over to the host's client and keeps its exit code") {
  TestWorld world;
  world.write("Envfile", "box: fake/debian\nfolders: [\".:/srv/app\"]\n");
  run_cli(world, {"up"});
  world.write("sub/file", "");
  world.working_directory = world.project() / "sub";
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{.status = 7}; };

  const CliResult result = run_cli(world, {"ssh", "-c", "ls -l", "--", "-L", "1:a:2"});

  CHECK(result.code == 7);
  REQUIRE_FALSE(world.processes.calls().empty());
  const std::string call = world.processes.calls().back();
  CHECK(call.starts_with("ssh -F none "));
  CHECK(has(call, "-T -L 1:a:2 default.shop 'cd /srv/app/sub 2>/dev/null; ls -l'"));
}

TEST_CASE("exec passes words as they are, by SSH where the provider has no other way in") {
  TestWorld world;
  world.providers.add(BareProvider::make_info(),
                      [&](Host&) { return std::make_unique<BareProvider>(world.backend); });
  world.write_envfile();
  run_cli(world, {"up", "--provider", "bare"});
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{.status = 3}; };

  const CliResult result = run_cli(world, {"exec", "-u", "postgres", "--", "psql", "-c", "select 'a b'"});

  CHECK(result.code == 3);
  CHECK(has(world.processes.calls().back(), "sudo -u postgres -- psql -c"));
}

TEST_CASE("ssh to a machine that does not run says how to start it") {
  TestWorld world;
  world.write_envfile();

  const CliResult result = run_cli(world, {"ssh"});

  CHECK(result.code == 1);
  CHECK(has(result.errors, "'envtool up default' makes it"));
}

TEST_CASE("cp pipes one tar into another") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.write("dump.sql", "x");
  world.processes.answer = [](const ProcessSpec&) { return ProcessResult{}; };

  CHECK(run_cli(world, {"cp", "dump.sql", ":/tmp/"}).code == 0);
  CHECK(has(world.processes.calls().back(), "set -o pipefail; sh -c "));
  CHECK(run_cli(world, {"cp", ":/etc/hosts", "hosts"}).code == 0);
  CHECK(run_cli(world, {"cp", "missing", ":/tmp/"}).code == 1);
  CHECK(run_cli(world, {"cp", "dump.sql", "other.sql"}).code == 2);
  CHECK(run_cli(world, {"cp", "dump.sql"}).code == 2);
}

TEST_CASE("info, inventory, ssh-config, logs and port tell of a running machine") {
  TestWorld world;
  world.write_envfile("cpus: 2\nprovision: [{note: hello}]\n");
  run_cli(world, {"up"});

  CHECK(has(run_cli(world, {"info"}).output, "fake/debian"));
  CHECK(has(run_cli(world, {"info"}).output, "note"));
  CHECK(has(run_cli(world, {"inventory"}).output, "10.99.0.3"));
  CHECK(has(run_cli(world, {"ssh-config"}).output, "Host default.shop\n"));
  CHECK(has(run_cli(world, {"logs"}).output, "create"));
  CHECK(has(run_cli(world, {"logs", "--console"}).output, "fake login:"));
  const CliResult port = run_cli(world, {"port", "--guest", "80"});
  CHECK(port.code == 1);
  CHECK(has(port.errors, "no host port leads to port 80 of machine 'default'"));
}

TEST_CASE("up without a terminal prints plain lines, with one live ones") {
  TestWorld world;
  world.write_envfile();

  const CliResult plain = run_cli(world, {"up"});
  run_cli(world, {"destroy", "-y"});
  world.prepare_console = [](FakeConsole& console) { console.error_terminal = true; };
  const CliResult live = run_cli(world, {"up"});
  world.variables["NO_COLOR"] = "1";
  run_cli(world, {"destroy", "-y"});
  const CliResult colourless = run_cli(world, {"up"});

  CHECK_FALSE(has(plain.errors, "\x1b"));
  CHECK(has(live.errors, "\x1b[32mis up"));
  CHECK(has(live.errors, "\x1b[1A"));
  CHECK_FALSE(has(colourless.errors, "\x1b[32m"));
}

TEST_CASE("sync pushes copied folders, with --watch at every change until it is interrupted") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  const CliResult none = run_cli(world, {"sync"});
  world.write("Envfile", "box: fake/debian\nfolders: [{host: ., guest: /srv/app, type: rsync}]\n");
  run_cli(world, {"up"});
  world.folders.pushes.clear();
  world.folders.changes = 2;

  CHECK(run_cli(world, {"sync"}).code == 0);
  CHECK(world.folders.pushes.size() == 1);
  CHECK(has(none.errors, "default: no folder is copied into it; nothing to sync\n"));
  CHECK(run_cli(world, {"sync", "--watch"}).code == 130);
  CHECK(world.folders.pushes.size() == 4);
  CHECK(world.folders.watched == std::vector<std::string>{"/srv/app"});
}

TEST_CASE("there is nothing to watch where no folder is copied") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});

  const CliResult result = run_cli(world, {"sync", "--watch"});

  CHECK(result.code == 2);
  CHECK(has(result.errors, "'type: rsync'"));
}

TEST_CASE("provision runs what is asked for again") {
  TestWorld world;
  world.write_envfile("provision: [{name: first, note: one}, {name: second, note: two}]\n");
  run_cli(world, {"up"});
  const size_t before = world.guests.commands().size();

  const CliResult result = run_cli(world, {"provision", "--provision-with", "second"});
  const CliResult unknown = run_cli(world, {"provision", "--provision-with", "third"});

  CHECK_MESSAGE(result.code == 0, result.errors);
  REQUIRE(world.guests.commands().size() == before + 1);
  CHECK(has(world.guests.commands().back(), "note two"));
  CHECK(unknown.code == 2);
  CHECK(has(unknown.errors, "hint: there are: first, note, second\n"));
}

TEST_CASE("a provisioner's output is shown with its machine's name") {
  TestWorld world;
  world.write_envfile("provision: [{note: hello}]\n");
  world.guests.answer = [](const std::string&, const GuestCommand& command) {
    return ProcessResult{.output = command.argv.empty() ? "" : "line one\nline two\n"};
  };

  CHECK(has(run_cli(world, {"up"}).errors, "default:   line one\ndefault:   line two\n"));
}

TEST_CASE("ENVTOOL_LOG names a file that keeps what commands say of every machine") {
  TestWorld world;
  world.write_envfile("machines: {web: {}, db: {}}\n");
  world.variables["ENVTOOL_LOG"] = "../all.log";

  run_cli(world, {"up"});
  run_cli(world, {"ssh", "nobody"});
  const std::string log = read_file(world.directory.path() / "all.log");
  world.variables["ENVTOOL_LOG"] = "gone/all.log";
  const CliResult unwritten = run_cli(world, {"status"});

  CHECK(has(log, "Z 'envtool up' in '"));
  CHECK(has(log, "Z web: create done after"));
  CHECK(has(log, "Z db: create done after"));
  CHECK(has(log, "Z error: no machine 'nobody' in project 'shop'"));
  CHECK(unwritten.code == 0);
  CHECK(has(unwritten.errors, "warning: cannot write the log '"));
  CHECK(has(unwritten.errors, "No such file or directory"));
}

TEST_CASE("list --prune forgets only environments that have no machine left") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});

  CHECK(has(run_cli(world, {"list", "--prune"}).output, "shop"));
  world.backend.lose(world.backend.machines().begin()->first);
  CHECK(has(run_cli(world, {"list"}).output, "1 not created"));
  CHECK(has(run_cli(world, {"list", "--prune"}).errors, "forgot 'shop'"));
  CHECK(run_cli(world, {"list"}).output.empty());
}

TEST_CASE("up --recreate asks, naming what would be lost") {
  TestWorld world;
  world.write_envfile();
  run_cli(world, {"up"});
  world.write("Envfile", "box: fake/other\nfolders: []\n");

  const CliResult left = run_cli(world, {"up"});
  const CliResult asked = run_cli(world, {"up", "--recreate"});
  const CliResult made = run_cli(world, {"up", "--recreate", "--yes"});

  CHECK(left.code == 0);
  CHECK(has(left.errors, "'box'"));
  CHECK(has(run_cli(world, {"status"}).output, "running"));
  CHECK(asked.code == 2);
  CHECK_MESSAGE(made.code == 0, made.errors);
  CHECK(machines_of(world).at("default").box_digest == sha256("fake/other"));
}

TEST_CASE("a create that breaks off is put right by the next up") {
  TestWorld world;
  world.write_envfile();
  world.backend.break_at("create", "power cut");

  const CliResult broken = run_cli(world, {"up"});
  const CliResult next = run_cli(world, {"up"});

  CHECK(broken.code == 1);
  CHECK_MESSAGE(next.code == 0, next.errors);
  CHECK(machines_of(world).at("default").phase == MachinePhase::running);
}
