#include <doctest/doctest.h>

#include <fmt/format.h>

#include "config/check.h"
#include "config/sample.h"
#include "config/scalar.h"

namespace envtool::test {

namespace {

std::string described(const PortConfig& port) {
  const std::string host = !port.host ? "any"
                           : port.host->first == port.host->last
                               ? std::to_string(port.host->first)
                               : fmt::format("{}-{}", port.host->first, port.host->last);
  return fmt::format("{} {} {} {}", port.bind, host, port.guest, to_string(port.protocol));
}

std::string described(const FolderConfig& folder) {
  return fmt::format("{} {} {} {}", folder.host.string(), folder.guest, to_string(folder.type),
                     folder.read_only ? "ro" : "rw");
}

}  // namespace

TEST_CASE("every form of a port is understood") {
  struct Case {
    const char *written, *meant;
  };
  const Case cases[] = {
      {"5432", "127.0.0.1 any 5432 tcp"},
      {"'5432'", "127.0.0.1 any 5432 tcp"},
      {"53/udp", "127.0.0.1 any 53 udp"},
      {"8080:80", "127.0.0.1 8080 80 tcp"},
      {"'8080:80/tcp'", "127.0.0.1 8080 80 tcp"},
      {"8090-8099:443", "127.0.0.1 8090-8099 443 tcp"},
      {"0.0.0.0:5300:53/udp", "0.0.0.0 5300 53 udp"},
      {"'[::1]:8080:80'", "::1 8080 80 tcp"},
      {"'[::]:9000-9009:80/udp'", ":: 9000-9009 80 udp"},
      {"'${PORT}:80'", "127.0.0.1 9000 80 tcp"},
      {"{guest: 9000}", "127.0.0.1 any 9000 tcp"},
      {"{guest: 9000, host: 9001, bind: 10.0.0.1, protocol: udp}", "10.0.0.1 9001 9000 udp"},
      {"{guest: '${PORT}', host: 8000-8009}", "127.0.0.1 8000-8009 9000 tcp"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.written);
    const MachineConfig machine = machine_of(fmt::format("ports:\n  - {}\n", each.written));

    CHECK(described(machine.ports.at(0)) == each.meant);
  }
}

TEST_CASE("every form of a folder is understood") {
  struct Case {
    const char *written, *meant;
  };
  const Case cases[] = {
      {".:/vagrant", "/project /vagrant auto rw"},
      {"./src:/srv/app:ro", "/project/src /srv/app auto ro"},
      {"./src:/srv/app:rw", "/project/src /srv/app auto rw"},
      {"../common/:/srv/common/", "/common /srv/common auto rw"},
      {"~/data:/data", "/home/ada/data /data auto rw"},
      {"/a:b:/c", "/a:b /c auto rw"},
      {"{host: '~', guest: /h, type: 9p, read_only: true}", "/home/ada /h 9p ro"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.written);
    const MachineConfig machine = machine_of(fmt::format("folders:\n  - {}\n", each.written));

    CHECK(described(machine.folders.at(0)) == each.meant);
  }
}

TEST_CASE("without folders the project is shared, with an empty list nothing is") {
  CHECK(described(machine_of("box: a\n").folders.at(0)) == "/project /vagrant auto rw");
  CHECK(machine_of("folders: []\n").folders.empty());
  CHECK(machine_of("folders: [{guest: /vagrant, disabled: true}]\n").folders.empty());
}

TEST_CASE("durations are numbers with units") {
  CHECK(parse_duration("60s") == 60'000);
  CHECK(parse_duration("5m") == 300'000);
  CHECK(parse_duration("1h30m") == 5'400'000);
  CHECK(parse_duration("250ms") == 250);
  CHECK(parse_duration("2d") == 172'800'000);
  for (const char* bad : {"", "5", "m", "5 m", "-5s", "5x", "1h30", "99999999999s"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("a share of the host is computed") {
  const MachineConfig machine = machine_of("cpus: 50%\nmemory: 25%\n");

  CHECK(machine.cpus == 4);
  CHECK(machine.memory == ByteSize{4ull << 30});
}

TEST_CASE("free data keeps its types, and its text where readers disagree") {
  CHECK(typed_scalar("80") == Value(80));
  CHECK(typed_scalar("-7") == Value(-7));
  CHECK(typed_scalar("1.5") == Value(1.5));
  CHECK(typed_scalar("true") == Value(true));
  for (const char* text :
       {"0644", "0x1F", "1:30", "22:22", "1_000", ".inf", "12345678901234567890123", "-", "+-1", "1.2.3"}) {
    CAPTURE(text);
    CHECK(typed_scalar(text) == Value(text));
  }
}

TEST_CASE("text stays as written") {
  const LoadedProject loaded = load_text(
      "params: {release: 1.10, flag: true, mode: 0644}\n"
      "provision: [{file: {source: a, destination: /b, mode: 0644}}, {shell: {path: a, env: {V: 1.10, Y: "
      "yes, N: 08}}}]\n"
      "vars: {port: 80, version: '1.10', ratio: 1.5, list: [1, two], deep: {a: {b: true}}}\n");
  const MachineConfig& machine = loaded.project.machines[0];

  CHECK(loaded.project.params.at("release") == "1.10");
  CHECK(loaded.project.params.at("flag") == "true");
  CHECK(machine.provision[0].options["mode"] == Value("0644"));
  CHECK(machine.provision[1].options["env"]["V"] == Value("1.10"));
  CHECK(machine.provision[1].options["env"]["Y"] == Value("yes"));
  CHECK(machine.provision[1].options["env"]["N"] == Value("08"));
  CHECK(machine.vars["port"] == Value(80));
  CHECK(machine.vars["version"] == Value("1.10"));
  CHECK(machine.vars["list"] == Value(Value::List{1, "two"}));
  CHECK(machine.vars["deep"]["a"]["b"] == Value(true));
}

TEST_CASE("steps without a name get one of their own") {
  const MachineConfig machine = machine_of(
      "provision:\n  - shell: one\n  - {name: shell-1, shell: two}\n  - file: {source: a, destination: "
      "/b}\n");

  CHECK(machine.provision[0].name == "shell-1-2");
  CHECK(machine.provision[1].name == "shell-1");
  CHECK(machine.provision[2].name == "file-3");
  CHECK(machine.provision[0].run == RunPolicy::once);
  CHECK(machine.provision[2].run == RunPolicy::changed);
  CHECK(machine.provision[0].options["inline"] == Value("one"));
  CHECK(machine.provision[0].options["user"] == Value("root"));
}

TEST_CASE("options of plugins come typed, with their defaults") {
  const MachineConfig machine = machine_of("providers: {virtualbox: {vram: 32M}}\n");

  CHECK(provider_options(machine, "virtualbox")["vram"] == Value(std::int64_t{32} << 20));
  CHECK(provider_options(machine, "lxc")["unprivileged"] == Value(true));
  CHECK(provider_options(machine, "unknown") == Value::map());
}

TEST_CASE("anchors and merge keys work, and what is written wins") {
  const MachineConfig machine = machine_of(
      "x-a: &a {user: ada, forward_agent: true}\nx-b: &b {user: bob}\nssh: {<<: [*b, *a], forward_agent: "
      "false}\n");

  CHECK(machine.ssh.user == "bob");
  CHECK_FALSE(machine.ssh.forward_agent);
}

TEST_CASE("positions tell where a key was written") {
  const MachineConfig machine = machine_of("box: a\nmemory: 2GiB\n");

  CHECK(machine.position_of("memory").to_string() == "standard input:2:1");
  CHECK(machine.memory->bytes == 2ull << 30);
  CHECK(machine.box->position.to_string() == "standard input:1:6");
}

}  // namespace envtool::test
