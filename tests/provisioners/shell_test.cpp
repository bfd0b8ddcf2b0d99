#include "provisioners/shell/shell.h"

#include <doctest/doctest.h>

#include "base/hash.h"
#include "provisioners/support.h"

using namespace envtool;

namespace {

struct Shell : Provisioning {
  Shell() : Provisioning(register_shell_provisioner) {}
};

}  // namespace

TEST_CASE("text without an interpreter line runs under a strict bash") {
  const GuestCommand command =
      shell_command({.name = "setup", .script = "echo 'a'", .arguments = {"-x", "b c"}});

  CHECK(command.script ==
        "if command -v bash >/dev/null; then set -- bash -eo pipefail; else set -- sh -e; fi; "
        "exec \"$@\" -c 'echo '\\''a'\\''' setup -x 'b c'");
  CHECK(command.input.empty());
}

TEST_CASE("a script with an interpreter line is received, run as a program and removed") {
  const GuestCommand command =
      shell_command({.name = "setup", .script = "#!/usr/bin/python3\n", .arguments = {"a"}});

  CHECK(command.input == "#!/usr/bin/python3\n");
  CHECK(command.script.find("trap 'rm -rf -- \"$d\"' EXIT") != std::string::npos);
  CHECK(command.script.ends_with("|| exit 1; \"$f\" a </dev/null"));
}

TEST_CASE("a script too long for an argument is received as well") {
  const GuestCommand command = shell_command({.name = "setup", .script = std::string(200'000, 'x')});

  CHECK(command.input.size() == 200'000);
  CHECK(command.script.ends_with("\"$@\" \"$f\"  </dev/null"));
}

TEST_CASE("user, directory and environment reach the guest, secrets only as environment") {
  Shell shell;
  shell.guest.expect_run("run me");

  shell.run(shell.item(Value::map({{"inline", "run me"},
                                   {"user", "www-data"},
                                   {"dir", "/srv"},
                                   {"env", Value::map({{"TOKEN", Value(LateText{"${secret.token}"})}})}})));

  const GuestCommand& command = shell.guest.commands.at(0);
  CHECK(command.user == "www-data");
  CHECK(command.directory == "/srv");
  CHECK(command.environment.at("TOKEN") == "hush");
  CHECK(command.script.find("hush") == std::string::npos);
}

TEST_CASE("output is shown line by line with secrets hidden") {
  Shell shell;
  shell.guest.expect_run("", {.output = "one hush\ntwo"});

  shell.run(shell.item(Value::map({{"inline", "x"}})));

  CHECK(shell.host.reporter.lines == std::vector<std::string>{"one ***", "two"});
}

TEST_CASE("a failure tells its status and the end of standard error, secrets hidden") {
  Shell shell;
  shell.guest.expect_run("", {.status = 3, .output = "fine so far\n", .error = "E: no hush\n"});

  CHECK_THROWS_WITH_AS(shell.run(shell.item(Value::map({{"inline", "x"}}))),
                       "shell 'setup' exited with status 3:\n    E: no ***", Error);
}

TEST_CASE("without words on standard error a failure shows the end of the output") {
  Shell shell;
  shell.guest.expect_run("", {.status = 1, .output = "tests failed\n"});

  CHECK_THROWS_WITH_AS(shell.run(shell.item(Value::map({{"inline", "x"}}))),
                       "shell 'setup' exited with status 1:\n    tests failed", Error);
}

TEST_CASE("the script of a file is sent as it is") {
  Shell shell;
  write_file(shell.place.path() / "s.sh", "#!/bin/sh\necho äö\n");
  shell.guest.expect_run("mktemp");

  shell.run(shell.item(Value::map({{"path", (shell.place.path() / "s.sh").string()}})));

  CHECK(shell.guest.commands.at(0).input == "#!/bin/sh\necho äö\n");
}

TEST_CASE("a missing script, none and two are problems of the Envfile") {
  Shell shell;
  const auto problems_of = [&](Value options) {
    return shell.provisioner().check(shell.item(std::move(options)));
  };

  CHECK(problems_of(Value::map({{"path", "/nonexistent"}})).at(0).text ==
        "shell: no file 'nonexistent' in '/'");
  CHECK(problems_of(Value::map()).at(0).text == "shell: expected either 'inline' or 'path'");
  CHECK(problems_of(Value::map({{"path", "/x"}, {"inline", "x"}})).size() == 1);
  CHECK(problems_of(Value::map({{"inline", " \n"}})).at(0).text == "shell: the script is empty");
  CHECK(problems_of(Value::map({{"path", "/"}})).size() == 1);
  CHECK(problems_of(Value::map({{"inline", "x"}})).empty());
}

TEST_CASE("a script that is not the one whose sum was written down is refused") {
  Shell shell;
  const std::string path = (shell.place.path() / "s.sh").string();
  write_file(path, "echo changed\n");
  const ProvisionConfig item = shell.item(Value::map({{"path", path}, {"sha256", sha256("echo\n")}}));

  CHECK(shell.provisioner().check(item).size() == 1);
  CHECK_THROWS_AS(shell.run(item), Error);
}

TEST_CASE("Windows line ends after an interpreter's name are found before anything runs") {
  Shell shell;
  const std::string path = (shell.place.path() / "s.sh").string();
  write_file(path, "#!/bin/sh\r\necho\r\n");

  const auto problems = shell.provisioner().check(shell.item(Value::map({{"path", path}})));

  CHECK(problems.at(0).hint == "dos2unix " + path);
}

TEST_CASE("the fingerprint changes with the script's content") {
  Shell shell;
  const std::string path = (shell.place.path() / "s.sh").string();
  const ProvisionConfig item = shell.item(Value::map({{"path", path}}));
  write_file(path, "one");
  const std::string before = shell.provisioner().fingerprint(item, shell.project);

  write_file(path, "two");

  CHECK(shell.provisioner().fingerprint(item, shell.project) != before);
}
