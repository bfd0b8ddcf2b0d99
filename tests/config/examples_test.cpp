#include <doctest/doctest.h>

#include "base/files.h"
#include "config/sample.h"

namespace envtool::test {

namespace {

std::string example(const std::string& name) { return read_file(data_directory() / (name + ".yaml")); }

}  // namespace

TEST_CASE("the example of one machine is read") {
  const std::string secrets = "secrets: {vault: {environment: VAULT_PASS}}\n";

  const ProjectConfig project = load_text(example("one_machine") + secrets).project;

  REQUIRE(project.machines.size() == 1);
  const MachineConfig& machine = project.machines[0];
  CHECK(project.name == "shop");
  CHECK(machine.name == "default");
  CHECK(machine.providers == std::vector<std::string>{"lxc", "libvirt"});
  CHECK(machine.box->name == "images:debian/12");
  CHECK(machine.memory == ByteSize{2ull << 30});
  CHECK(machine.ports.size() == 6);
  CHECK(machine.networks.size() == 3);
  CHECK(machine.folders.size() == 3);
  CHECK(machine.provision.size() == 6);
  CHECK(machine.ready.size() == 3);
  CHECK(provider_options(machine, "lxc")["config"]["lxc.cap.drop"] == Value("sys_time"));
  CHECK(effective_for(machine, "libvirt").box->name == "generic/debian12");
}

TEST_CASE("the example of several machines is read") {
  const ProjectConfig project = load_text(example("several_machines")).project;

  REQUIRE(project.machines.size() == 4);
  CHECK(project.machines[0].name == "db");
  CHECK(project.machines[0].memory == ByteSize{1ull << 30});
  CHECK(project.machines[1].name == "web-1");
  CHECK(project.machines[1].primary);
  CHECK(project.machines[1].block == "web");
  CHECK(project.machines[3].name == "web-3");
  CHECK_FALSE(project.machines[3].primary);
  CHECK(project.machines[3].networks[0].host_number == 23);
  CHECK(project.machines[3].depends_on == std::vector<std::string>{"db"});
  CHECK(project.provision_all.size() == 1);
  CHECK(project.secrets.at("vault").size() == 2);
  CHECK(project.message == Value(LateText{"http://127.0.0.1:${machines.web-1.port.80}"}));
}

}  // namespace envtool::test
