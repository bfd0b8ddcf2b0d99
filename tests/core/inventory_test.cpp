#include "core/inventory.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

struct Cluster {
  ProjectConfig project;
  std::vector<InventoryHost> hosts;

  MachineConfig& add(const std::string& name, const std::string& block) {
    MachineConfig machine;
    machine.name = name;
    machine.block = block;
    project.machines.push_back(machine);
    return project.machines.back();
  }
  Value text() {
    for (const MachineConfig& machine : project.machines)
      hosts.push_back(
          {&machine, {"10.1.0.2", 22, "vagrant", "/k/key", "/k/known hosts", "alias"}, machine.vars});
    return parse_json(inventory_text(project, hosts), "inventory");
  }
};

}  // namespace

TEST_CASE("a machine is in the inventory with how to reach it and its variables") {
  Cluster cluster;
  cluster.add("web", "web").vars = Value::map({{"version", "1.10"}, {"port", 80}, {"debug", true}});

  const Value host = cluster.text()["all"]["hosts"]["web"];

  CHECK(host["ansible_host"].as_text() == "10.1.0.2");
  CHECK(host["ansible_user"].as_text() == "vagrant");
  CHECK(host["version"] == Value("1.10"));
  CHECK(host["port"] == Value(80));
  CHECK(host["debug"] == Value(true));
}

TEST_CASE("only the pinned host key counts, whatever its path holds") {
  Cluster cluster;
  cluster.add("web", "web");

  const std::string options = cluster.text()["all"]["hosts"]["web"]["ansible_ssh_common_args"].as_text();

  CHECK(options.find("-o UserKnownHostsFile='\"/k/known hosts\"'") != std::string::npos);
  CHECK(options.find("-o StrictHostKeyChecking=yes") != std::string::npos);
  CHECK(options.find("-o HostKeyAlias=alias") != std::string::npos);
}

TEST_CASE("machines of a block are in a group of its name, and in the groups they name") {
  Cluster cluster;
  cluster.add("web-1", "web").groups = {"front"};
  cluster.add("web-2", "web");

  const Value groups = cluster.text()["all"]["children"];

  CHECK(groups["web"]["hosts"].has("web-1"));
  CHECK(groups["web"]["hosts"].has("web-2"));
  CHECK(groups["front"]["hosts"].has("web-1"));
  CHECK_FALSE(groups["front"]["hosts"].has("web-2"));
}

TEST_CASE("a group of the Envfile may name a block, a child group and variables") {
  Cluster cluster;
  cluster.add("web-1", "web");
  cluster.project.ansible.groups["all_web"] = {{"web"}, {"front"}, Value::map({{"a", 1}})};

  const Value group = cluster.text()["all"]["children"]["all_web"];

  CHECK(group["hosts"].has("web-1"));
  CHECK(group["children"].has("front"));
  CHECK(group["vars"]["a"] == Value(1));
}

TEST_CASE("ports of a machine are reached as it is: by its address, through a host, or by SSH alone") {
  SshEndpoint endpoint{
      .host = "10.0.0.2", .user = "me", .private_key = "/a key", .known_hosts = "/100%/known"};
  CHECK(port_command(endpoint).empty());

  endpoint.proxy = "ssh host -W %h:%p";
  CHECK(port_command(endpoint) == "ssh host -W %h:%p");

  endpoint = {
      .host = "127.0.0.1", .port = 2222, .user = "me", .private_key = "/a key", .known_hosts = "/100%/known"};
  endpoint.ssh_only = true;
  const std::string command = port_command(endpoint);
  CHECK(command.ends_with(" -i '/a key' -p 2222 -l me 127.0.0.1 -W 127.0.0.1:%p"));
  // Once for who fills in the port, and once for ssh itself.
  CHECK(command.find("/100%%%%/known") != std::string::npos);
}
