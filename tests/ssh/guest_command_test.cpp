#include "ssh/guest_command.h"

#include <doctest/doctest.h>

#include "base/process.h"

using namespace envtool;

TEST_CASE("a script goes as one quoted word and keeps its line numbers") {
  const RemoteCommand remote = remote_command({.script = "echo 'a'\nexit 3"}, "vagrant", "j1");

  CHECK(remote.line == "exec sh -c 'export ENVTOOL_JOB=j1; echo '\\''a'\\''\nexit 3'");
  CHECK(remote.preamble.empty());
}

TEST_CASE("an argument list is seen by no shell") {
  const RemoteCommand remote = remote_command({.argv = {"ls", "-l", "$x y"}}, "vagrant", "j1");

  CHECK(remote.line == "exec sh -c 'export ENVTOOL_JOB=j1; exec ls -l '\\''$x y'\\'''");
}

TEST_CASE("another user is reached by sudo, which must not ask") {
  const RemoteCommand remote = remote_command({.script = "id", .user = "root"}, "vagrant", "j1");

  CHECK(remote.line == "exec sudo -n -H -u root -- sh -c 'export ENVTOOL_JOB=j1; id'");
}

TEST_CASE("the ssh user itself needs no sudo") {
  const RemoteCommand remote = remote_command({.script = "id", .user = "vagrant"}, "vagrant", "j1");

  CHECK(remote.line == "exec sh -c 'export ENVTOOL_JOB=j1; id'");
}

TEST_CASE("a directory that cannot be entered ends the command") {
  const RemoteCommand remote = remote_command({.script = "ls", .directory = "/a b"}, "vagrant", "j1");

  CHECK(remote.line == "exec sh -c 'export ENVTOOL_JOB=j1; cd -- '\\''/a b'\\'' || exit 126; ls'");
}

TEST_CASE("an environment never stands in an argument list") {
  const RemoteCommand remote =
      remote_command({.script = "run", .environment = {{"TOKEN", "top\n.\nsecret"}}}, "vagrant", "j1");

  CHECK(remote.line.find("secret") == std::string::npos);
  CHECK(remote.preamble == "+export ENVTOOL_JOB=j1 TOKEN='top\n+.\n+secret'; run\n.\n");
}

TEST_CASE("a script too long for one argument goes by standard input") {
  const RemoteCommand remote = remote_command({.script = std::string(200'000, 'x')}, "vagrant", "j1");

  CHECK(remote.line.size() < 1000);
  CHECK(remote.preamble.size() > 200'000);
}

TEST_CASE("a name that no shell can export is refused") {
  CHECK_THROWS_WITH_AS(remote_command({.environment = {{"a-b", "x"}}}, "vagrant", "j1"),
                       "'a-b' cannot be the name of an environment variable", Error);
}

TEST_CASE("a job's processes are found by their mark and ended") {
  const ProcessResult result = SystemProcessRunner().run(
      {.argv = {"sh", "-c",
                "ENVTOOL_JOB=job-of-this-test sleep 60 & one=$!; sleep 60 & other=$!; (" +
                    await_job_end_script("job-of-this-test") +
                    "); wait $one; kill $other && echo the other was left"},
       .timeout = std::chrono::seconds(20)},
      {});

  CHECK(result.output == "the other was left\n");
}

TEST_CASE("a file is received beside its place, measured, and renamed") {
  const std::string script =
      receive_script({.destination = "/etc/x y", .mode = 0640, .owner = "root:adm"}, 12);

  CHECK(script ==
        "set -e; umask 077; d='/etc/x y'\n"
        "if [ -d \"$d\" ]; then echo \"it is a directory\" >&2; exit 1; fi\n"
        "case $d in /*) ;; *) d=./$d ;; esac\n"
        "t=$(mktemp \"$d.XXXXXX\"); trap 'rm -f -- \"$t\"' EXIT; cat > \"$t\"\n"
        "[ \"$(wc -c < \"$t\")\" -eq 12 ] || { echo \"the transfer was cut short\" >&2; exit 1; }\n"
        "chown -- root:adm \"$t\"\n"
        "chmod 0640 \"$t\"; mv -f -- \"$t\" \"$d\"\n");
}
