#include "ssh/openssh.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "base/files.h"
#include "support/scripted_host.h"

using namespace envtool;

namespace {

SshEndpoint endpoint() {
  return {.host = "fe80::1%br0",
          .port = 2222,
          .user = "vagrant",
          .private_key = "/home/jo doe/50%/key",
          .known_hosts = "/state/known_hosts",
          .host_key_alias = "envtool-web"};
}

}  // namespace

TEST_CASE("the Host block quotes paths, doubles per cent signs and trusts the pinned key alone") {
  const std::string block =
      ssh_config_block("web", endpoint(), {.forward_agent = true, .control_path = "/run/user/1 0/c"});

  CHECK(block ==
        "Host web\n"
        "  HostName fe80::1%%br0\n"
        "  Port 2222\n"
        "  User vagrant\n"
        "  IdentityFile \"/home/jo doe/50%%/key\"\n"
        "  IdentitiesOnly yes\n"
        "  PreferredAuthentications publickey\n"
        "  UserKnownHostsFile \"/state/known_hosts\"\n"
        "  GlobalKnownHostsFile /dev/null\n"
        "  HostKeyAlias envtool-web\n"
        "  StrictHostKeyChecking yes\n"
        "  CheckHostIP no\n"
        "  UpdateHostKeys no\n"
        "  ServerAliveInterval 10\n"
        "  LogLevel ERROR\n"
        "  ForwardAgent yes\n"
        "  ControlMaster auto\n"
        "  ControlPath \"/run/user/1 0/c\"\n"
        "  ControlPersist 60s\n");
}

TEST_CASE("a machine behind another host is reached by the command that leads there") {
  SshEndpoint behind = endpoint();
  behind.proxy = "ssh host -W %h:%p";

  CHECK(ssh_config_block("web", behind, {}).find("  ProxyCommand ssh host -W %h:%p\n") != std::string::npos);
}

TEST_CASE("a machine on a bridge of ours is reached through that bridge or not at all") {
  SshEndpoint on_bridge = endpoint();
  on_bridge.device = "envtool0";

  CHECK(ssh_config_block("web", on_bridge, {}).find("  BindInterface envtool0\n") != std::string::npos);
  CHECK(ssh_config_block("web", endpoint(), {}).find("BindInterface") == std::string::npos);
}

TEST_CASE("a connection is shared only where a socket is named") {
  const std::string block = ssh_config_block("web", endpoint(), {});

  CHECK(block.find("Control") == std::string::npos);
}

TEST_CASE("the client is run without anybody's configuration") {
  const std::vector<std::string> words = ssh_arguments(endpoint(), {});

  CHECK(std::vector<std::string>(words.begin(), words.begin() + 5) ==
        std::vector<std::string>{"ssh", "-F", "none", "-o", "HostName=fe80::1%%br0"});
  CHECK(std::find(words.begin(), words.end(), "IdentityFile=\"/home/jo doe/50%%/key\"") != words.end());
}

TEST_CASE("a path that ssh_config cannot carry is refused by name") {
  for (const char* path : {"/a\"b", "/a\nProxyCommand x", "/${HOME}", "/a\\b"}) {
    SshEndpoint odd = endpoint();
    odd.private_key = path;

    CHECK_THROWS_WITH_AS(
        ssh_config_block("web", odd, {}),
        ("the path '" + std::string(path) + "' cannot be written in an ssh configuration").c_str(), Error);
  }
}

TEST_CASE("the control directory is made for the user alone") {
  const TemporaryDirectory place;
  const HostPaths paths{.runtime = place.path() / "run/envtool"};

  const auto directory = control_directory(paths);

  struct stat found {};
  REQUIRE(::stat(directory.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0700);
  CHECK(directory == paths.runtime);
}

TEST_CASE("a control directory that others may enter is refused") {
  const TemporaryDirectory place;
  const HostPaths paths{.runtime = place.path() / "run"};
  make_directories(paths.runtime, 0700);
  ::chmod(paths.runtime.c_str(), 0755);

  CHECK_THROWS_AS(control_directory(paths), Error);
}

TEST_CASE("a control directory that is a symbolic link is refused") {
  const TemporaryDirectory place;
  const HostPaths paths{.runtime = place.path() / "run"};
  make_directories(place.path() / "elsewhere", 0700);
  std::filesystem::create_directory_symlink(place.path() / "elsewhere", paths.runtime);

  CHECK_THROWS_AS(control_directory(paths), Error);
}

TEST_CASE("another host key gives another control socket") {
  const TemporaryDirectory place;
  SshEndpoint machine = endpoint();
  machine.known_hosts = place.path() / "known_hosts";
  write_file(machine.known_hosts, "envtool-web ssh-ed25519 ONE\n");
  const auto first = control_path("/run", machine);

  write_file(machine.known_hosts, "envtool-web ssh-ed25519 TWO\n");

  CHECK(control_path("/run", machine) != first);
  CHECK(first.filename().string().size() == 16);
}

TEST_CASE("ending a shared connection asks its master and removes the socket") {
  const TemporaryDirectory place;
  const auto socket = place.path() / "c";
  std::ofstream(socket) << "";
  ScriptedHost host;
  host.runner.expect(
      {"ssh", "-F", "none", "-o", "ControlPath=\"" + socket.string() + "\"", "-O", "exit", "envtool"});

  end_control_master(socket, host.operation);

  CHECK_FALSE(std::filesystem::exists(socket));
}

TEST_CASE("where there is no shared connection no program runs") {
  ScriptedHost host;

  end_control_master("/nonexistent/socket", host.operation);

  CHECK(host.runner.calls().empty());
}
