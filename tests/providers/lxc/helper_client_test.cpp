#include "providers/lxc/helper_client.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <poll.h>

#include "base/files.h"
#include "support/fake_clock.h"
#include "support/fake_processes.h"
#include "support/scripted_host.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

/// An ordinary user's host with the helper, which answers everything.
struct HelperWorld {
  TemporaryDirectory directory;
  FakeProcesses processes;
  FakeClock clock;
  RecordingReporter reporter;
  Host host{processes, clock, reporter, {{"XDG_RUNTIME_DIR", (directory.path() / "run").string()}}, {}, "/"};
  Operation operation{host, "web", {}};

  HelperWorld() {
    host.paths.helper_programs = directory.path();
    write_file(directory.path() / "envtool-lxc", "", 0755);
    processes.answer = [this](const ProcessSpec& spec) {
      environment = spec.environment;
      return ProcessResult{.status = 0, .output = R"({"ok": {}})", .error = {}};
    };
  }
  void start_user_manager() { write_file(directory.path() / "run/systemd/private", ""); }
  std::string program() const { return (directory.path() / "envtool-lxc").string(); }
  HelperClient client(Rights rights) { return {host, rights, "/machines"}; }

  std::map<std::string, std::string> environment;
};

}  // namespace

TEST_CASE_FIXTURE(HelperWorld, "without root a machine starts in a delegated scope of the user's systemd") {
  std::filesystem::create_directories(directory.path() / "run/systemd");
  start_user_manager();

  client(Rights::user).call("start", Value::map(), operation);
  client(Rights::user).call("stop", Value::map(), operation);

  CHECK(processes.calls() ==
        std::vector<std::string>{
            fmt::format("systemd-run --user --scope --quiet --collect --property=Delegate=yes -- {}",
                        program()),
            program()});
}

TEST_CASE_FIXTURE(HelperWorld,
                  "what enters a machine without root enters it from such a scope, with its words") {
  std::filesystem::create_directories(directory.path() / "run/systemd");
  start_user_manager();

  client(Rights::user).run_attached("attach", Value::map(), {"--", "id"});

  REQUIRE(processes.calls().size() == 1);
  CHECK(processes.calls()[0].starts_with("systemd-run --user --scope --quiet --collect "));
  CHECK(processes.calls()[0].ends_with(" -- id"));
  CHECK(environment.at("XDG_RUNTIME_DIR") == (directory.path() / "run").string());
}

TEST_CASE_FIXTURE(HelperWorld, "where no systemd runs for the user, the helper is called as it is") {
  client(Rights::user).call("start", Value::map(), operation);

  CHECK(processes.calls() == std::vector<std::string>{program()});
}

TEST_CASE_FIXTURE(HelperWorld, "a helper that waits sees a wish to stop in its input") {
  std::stop_source stop;
  operation.stop = stop.get_token();
  const auto hung_up = [](int input) {
    pollfd wait{input, 0, 0};
    return ::poll(&wait, 1, 0) == 1 && wait.revents == POLLHUP;
  };
  processes.answer = [&](const ProcessSpec& spec) {
    CHECK_FALSE(hung_up(spec.input_fd));
    stop.request_stop();
    CHECK(hung_up(spec.input_fd));
    return ProcessResult{.status = 0, .output = R"({"ok": {}})", .error = {}};
  };

  client(Rights::user).call_and_wait("stop", Value::map(), operation);

  CHECK(processes.calls().size() == 1);
}

TEST_CASE_FIXTURE(HelperWorld, "what the helper says for the user is told with root and without") {
  processes.answer = [](const ProcessSpec& spec) {
    spec.on_error("say installing\nnoise\n");
    return ProcessResult{.status = 0, .output = R"({"ok": {}})", .error = {}};
  };

  for (const Rights rights : {Rights::user, Rights::root})
    client(rights).call("import", Value::map(), operation);

  CHECK(reporter.sentences == std::vector<std::string>{"web: installing", "web: installing"});
}
