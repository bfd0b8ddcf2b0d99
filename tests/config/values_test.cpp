#include <doctest/doctest.h>

#include "config/late.h"
#include "config/sample.h"

namespace envtool::test {

TEST_CASE("references are replaced by what they mean") {
  const MachineConfig machine = machine_of(
      "name: shop\nparams: {k: v}\nmachines:\n  web:\n    count: 2\n    vars:\n"
      "      env: ${USER_NAME}\n      unset: ${NOT_SET:-fall back}\n      empty: ${EMPTY:-other}\n"
      "      param: ${param.k}-x\n      project: ${project}\n      name: ${machine.name}\n"
      "      index: ${machine.index}\n      host: ${host.user}@${host.arch}\n      dollar: $x $$y $${z}\n");

  CHECK(machine.vars["env"] == Value("ada"));
  CHECK(machine.vars["unset"] == Value("fall back"));
  CHECK(machine.vars["empty"] == Value("other"));
  CHECK(machine.vars["param"] == Value("v-x"));
  CHECK(machine.vars["project"] == Value("shop"));
  CHECK(machine.vars["name"] == Value("web-1"));
  CHECK(machine.vars["index"] == Value(1));
  CHECK(machine.vars["host"] == Value("ada@amd64"));
  CHECK(machine.vars["dollar"] == Value("$x $y ${z}"));
}

TEST_CASE("what a variable holds is not expanded again") {
  CHECK(machine_of("vars: {a: \"${DOLLAR}\"}\n").vars["a"] == Value("a$${b"));
}

TEST_CASE("a parameter of the command line overrides the file's") {
  LoadOptions options = options_for("params: {workers: 3}\nmachines: {web: {count: \"${param.workers}\"}}\n");
  options.params = {{"workers", "2"}};

  const LoadedProject loaded = load_project(options);

  CHECK(loaded.project.machines.size() == 2);
  CHECK(loaded.document["params"]["workers"] == Value("2"));
}

TEST_CASE("programs are never expanded") {
  const LoadedProject loaded = load_text(
      "provision: [{shell: 'echo ${HOME} $$'}, {shell: {inline: 'echo ${x:-y}'}}]\nready: [{run: 'test "
      "${A}'}]\n"
      "cloud_init: {inline: '${b}'}\nhooks: [{after: up, run: 'echo ${c}'}]\n");
  const MachineConfig& machine = loaded.project.machines[0];

  CHECK(machine.provision[0].options["inline"] == Value("echo ${HOME} $$"));
  CHECK(machine.provision[1].options["inline"] == Value("echo ${x:-y}"));
  CHECK(machine.ready[0].command == "test ${A}");
  CHECK(machine.cloud_init["inline"] == Value("${b}"));
  CHECK(loaded.project.hooks[0].run == "echo ${c}");
}

TEST_CASE("what is known only after start stays, with the rest resolved") {
  const MachineConfig machine = machine_of(
      "networks: [lan]\nvars: {url: 'http://${machine.ip}:${PORT}/$$x/${DOLLAR}'}\n"
      "provision: [{shell: {path: a, args: ['${machine.id}'], env: {IP: '${machines.default.ip.lan}'}}}]\n");
  const LateLookup lookup = [](const std::string& reference) -> std::optional<std::string> {
    if (reference == "machine.ip") return "10.0.0.2";
    return std::nullopt;
  };

  REQUIRE(machine.vars["url"].is_late());
  CHECK(expand_late(machine.vars, lookup)["url"] == Value("http://10.0.0.2:9000/$x/a$${b"));
  CHECK(machine.provision[0].options["args"].items().at(0) == Value(LateText{"${machine.id}"}));
  CHECK_THROWS_WITH_AS(expand_late(machine.provision[0].options, lookup), "'${machine.id}' is not known now",
                       Error);
}

TEST_CASE("what fails in looking a reference up is told where it is used") {
  const MachineConfig machine = machine_of("secrets: {npm: {file: x}}\nvars: {token: '${secret.npm}'}\n");
  const LateLookup lookup = [](const std::string&) -> std::optional<std::string> {
    throw Error(ErrorKind::failed, "cannot read the secret 'npm'");
  };

  try {
    expand_late(machine.vars, lookup);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.render().starts_with("error: cannot read the secret 'npm'\n  --> standard input:2:15\n"));
  }
}

TEST_CASE("a secret stays a reference until it is used") {
  const LoadedProject loaded = load_text(
      "secrets: {npm: {file: ~/.npm}, db: [{environment: DB}, {command: [pass, db]}]}\n"
      "ssh: {password: \"${secret.db}\"}\nvars: {deep: [{token: \"${secret.npm}\"}]}\n");

  CHECK(loaded.project.machines[0].ssh.password == Value(LateText{"${secret.db}"}));
  CHECK(loaded.project.machines[0].vars["deep"].items().at(0)["token"] == Value(LateText{"${secret.npm}"}));
  CHECK(loaded.project.secrets.at("npm").at(0).file == "/home/ada/.npm");
  CHECK(loaded.project.secrets.at("db").at(1).command == std::vector<std::string>{"pass", "db"});
  CHECK(render_document(loaded.document, false).find("password: \"${secret.db}\"") != std::string::npos);
}

TEST_CASE("quoted references give numbers where numbers are wanted") {
  const MachineConfig machine =
      machine_of("params: {n: 2, yes: true}\ncpus: \"${param.n}\"\nssh: {forward_agent: \"${param.yes}\"}\n");

  CHECK(machine.cpus == 2);
  CHECK(machine.ssh.forward_agent);
}

}  // namespace envtool::test
