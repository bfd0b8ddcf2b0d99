#include "provisioners/ansible/ansible.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "provisioners/ansible/command.h"
#include "provisioners/support.h"

using namespace envtool;

namespace {

struct Playbooks : Provisioning {
  Playbooks() : Provisioning(register_ansible_provisioner) { write_file(playbook, "- hosts: all\n"); }

  ProvisionConfig with(const std::string& option, Value value) const {
    return item(Value::map({{"playbook", playbook.string()}, {option, std::move(value)}}));
  }

  std::filesystem::path playbook = place.path() / "site.yml";
};

}  // namespace

TEST_CASE("every setting of a playbook becomes its argument") {
  const std::vector<std::string> words =
      playbook_command({.playbook = "/p/site.yml",
                        .inventories = {"/p/inv.yml", "/p/dev"},
                        .limit = "web,db",
                        .extra_vars = "/s/vars.json",
                        .tags = {"a", "b"},
                        .skip_tags = {"c"},
                        .vault = {{"dev", "/s/vault-0"}},
                        .flags = {.check = true, .diff = true, .raw = {"-vvv"}}});

  CHECK(words == std::vector<std::string>{"ansible-playbook", "--inventory=/p/inv.yml", "--inventory=/p/dev",
                                          "--limit=web,db", "--extra-vars=@/s/vars.json", "--tags=a,b",
                                          "--skip-tags=c", "--vault-id=dev@/s/vault-0", "--check", "--diff",
                                          "-vvv", "/p/site.yml"});
}

TEST_CASE("a locale without UTF-8 is replaced, since Ansible would refuse to start") {
  const auto locale_for = [](const EnvironmentVariables& host) {
    const auto variables = ansible_environment({}, host);
    const auto found = variables.find("LC_ALL");
    return found == variables.end() ? "as it was" : found->second;
  };

  CHECK(locale_for({}) == "C.UTF-8");
  CHECK(locale_for({{"LC_ALL", "C"}, {"LANG", "de_DE.UTF-8"}}) == "C.UTF-8");
  CHECK(locale_for({{"LC_ALL", ""}, {"LANG", "de_DE.utf8"}}) == "as it was");
}

TEST_CASE("a project's own configuration is not overridden by what is only quicker") {
  const auto ours = ansible_environment({.control_directory = "/run/c"}, {});
  const auto theirs = ansible_environment({.config = "/p/ansible.cfg", .control_directory = "/run/c"}, {});

  CHECK(ours.at("ANSIBLE_PIPELINING") == "True");
  CHECK_FALSE(ours.contains("ANSIBLE_CONFIG"));
  CHECK(theirs.at("ANSIBLE_CONFIG") == "/p/ansible.cfg");
  CHECK_FALSE(theirs.contains("ANSIBLE_PIPELINING"));
  CHECK(theirs.at("ANSIBLE_SSH_CONTROL_PATH_DIR") == "/run/c");
}

TEST_CASE("a playbook runs in the project's directory, limited to its machine") {
  Playbooks playbooks;
  playbooks.project.directory = "/project";
  playbooks.host.runner.expect({"ansible-playbook", "--inventory=" + playbooks.context().inventory.string(),
                                "--limit=web", playbooks.playbook.string()});

  playbooks.run(playbooks.item(Value::map({{"playbook", playbooks.playbook.string()}})));

  CHECK(playbooks.host.runner.calls().at(0).directory == "/project");
}

TEST_CASE("a limit that is given wins") {
  Playbooks playbooks;
  playbooks.host.runner.expect({"ansible-playbook", any_word, "--limit=all", any_word});

  playbooks.run(playbooks.with("limit", "all"));
}

TEST_CASE("extra variables keep their types in a private file that does not stay") {
  Playbooks playbooks;
  std::filesystem::path file;
  playbooks.host.runner.expect({"ansible-playbook", more_words}, [&](const ProcessSpec& spec) {
    file = spec.argv.at(3).substr(std::string("--extra-vars=@").size());
    CHECK(read_file(file) == R"({"debug":true,"release":"1.10","token":"hush"})");
    struct stat found {};
    CHECK(::stat(file.c_str(), &found) == 0);
    CHECK((found.st_mode & 07777) == 0600);
    return ProcessResult{};
  });

  playbooks.run(playbooks.with(
      "extra_vars",
      Value::map({{"debug", true}, {"release", "1.10"}, {"token", Value(LateText{"${secret.token}"})}})));

  CHECK_FALSE(std::filesystem::exists(file));
}

TEST_CASE("a vault password stands in no argument and in no file") {
  Playbooks playbooks;
  playbooks.host.runner.expect({"ansible-playbook", more_words}, [&](const ProcessSpec& spec) {
    const std::string program = spec.argv.at(3).substr(std::string("--vault-id=dev@").size());
    CHECK(read_file(program) == "#!/bin/sh\nprintf '%s\\n' \"$ENVTOOL_VAULT_0\"\n");
    CHECK(::access(program.c_str(), X_OK) == 0);
    CHECK(spec.environment.at("ENVTOOL_VAULT_0") == "hush");
    return ProcessResult{};
  });

  playbooks.run(playbooks.with("vault", Value::map({{"dev", Value(LateText{"${secret.token}"})}})));
}

TEST_CASE("a failed playbook keeps its status and shows what failed, not the recap") {
  Playbooks playbooks;
  playbooks.host.runner.expect(
      {"ansible-playbook", more_words},
      {.status = 2,
       .output = "TASK [x] ***\nfatal: [web]: FAILED! => {\"msg\": \"no hush\"}\n\nPLAY RECAP\n"
                 "web : ok=1 failed=1\n"});

  CHECK_THROWS_WITH_AS(playbooks.run(playbooks.with("tags", Value::list())),
                       "ansible 'setup' exited with status 2 (a task failed):\n"
                       "    fatal: [web]: FAILED! => {\"msg\": \"no ***\"}",
                       Error);
}

TEST_CASE("an unreachable machine gets a hint") {
  Playbooks playbooks;
  playbooks.host.runner.expect(
      {"ansible-playbook", more_words},
      {.status = 4, .output = "fatal: [web]: UNREACHABLE! => {\"msg\": \"no route\"}\n"});

  try {
    playbooks.run(playbooks.with("tags", Value::list()));
    FAIL("it went on");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "ansible 'setup' exited with status 4 (a machine was unreachable):\n"
          "    fatal: [web]: UNREACHABLE! => {\"msg\": \"no route\"}");
    CHECK(error.hint().find("envtool ssh") != std::string::npos);
  }
}

TEST_CASE("a playbook that cannot be read is shown with all that Ansible says of it") {
  Playbooks playbooks;
  playbooks.host.runner.expect({"ansible-playbook", more_words},
                               {.status = 4,
                                .error = "ERROR! We were unable to read either as JSON nor YAML\n\n"
                                         "The error appears to be in 'site.yml': line 3, column 1\n"});

  try {
    playbooks.run(playbooks.with("tags", Value::list()));
    FAIL("it went on");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) ==
          "ansible 'setup' exited with status 4 (the playbook cannot be read):\n"
          "    ERROR! We were unable to read either as JSON nor YAML\n"
          "    The error appears to be in 'site.yml': line 3, column 1");
    CHECK(error.hint().empty());
  }
}

TEST_CASE("requirements are installed once, and again when their file changes") {
  Playbooks playbooks;
  playbooks.project.ansible.galaxy = playbooks.place.path() / "requirements.yml";
  const ProvisionConfig item = playbooks.with("tags", Value::list());
  const auto expect = [&](bool installs) {
    if (installs)
      playbooks.host.runner.expect(
          {"ansible-galaxy", "install", "--role-file=" + playbooks.project.ansible.galaxy.string()});
    playbooks.host.runner.expect({"ansible-playbook", more_words});
  };

  write_file(playbooks.project.ansible.galaxy, "- one\n");
  expect(true);
  playbooks.run(item);
  expect(false);
  playbooks.run(item);
  write_file(playbooks.project.ansible.galaxy, "- two\n");
  expect(true);
  playbooks.run(item);
}

TEST_CASE("a broken installation of requirements is tried again") {
  Playbooks playbooks;
  playbooks.project.ansible.galaxy = playbooks.place.path() / "requirements.yml";
  write_file(playbooks.project.ansible.galaxy, "- one\n");
  playbooks.host.runner.expect({"ansible-galaxy", more_words}, {.status = 1, .error = "no network\n"});
  CHECK_THROWS_AS(playbooks.run(playbooks.with("tags", Value::list())), Error);
  playbooks.host.runner.expect({"ansible-galaxy", more_words});
  playbooks.host.runner.expect({"ansible-playbook", more_words});

  playbooks.run(playbooks.with("tags", Value::list()));
}

TEST_CASE("a missing playbook and a missing Ansible are found before anything changes") {
  Playbooks playbooks;
  playbooks.host.host.variables["PATH"] = playbooks.place.path().string();

  const ProvisionConfig item = playbooks.item(Value::map({{"playbook", "/project/site.yml"}}));
  const auto problems = playbooks.provisioner().check(item);
  const auto lacks = playbooks.provisioner().check_host(item, playbooks.host.host);

  CHECK(problems.at(0).text == "ansible: no playbook 'site.yml' in '/project'");
  CHECK(lacks.at(0).hint == "sudo apt-get install ansible-core");
}

TEST_CASE("the fingerprint changes with a role beside the playbook") {
  Playbooks playbooks;
  const ProvisionConfig item = playbooks.with("tags", Value::list());
  const std::string before = playbooks.provisioner().fingerprint(item, playbooks.project);

  write_file(playbooks.place.path() / "roles/web/tasks/main.yml", "[]\n");

  CHECK(playbooks.provisioner().fingerprint(item, playbooks.project) != before);
}

TEST_CASE("one more machine of a kind leaves the fingerprint, and a changed variable does not") {
  Playbooks playbooks;
  const ProvisionConfig item = playbooks.with("tags", Value::list());
  playbooks.project.machines = {{.name = "web-1", .block = "web", .vars = Value::map({{"port", 80}})}};
  const std::string before = playbooks.provisioner().fingerprint(item, playbooks.project);

  playbooks.project.machines.push_back({.name = "web-2", .block = "web", .vars = Value::map({{"port", 80}})});
  CHECK(playbooks.provisioner().fingerprint(item, playbooks.project) == before);
  playbooks.project.machines[0].vars.set("port", 81);
  CHECK(playbooks.provisioner().fingerprint(item, playbooks.project) != before);
}
