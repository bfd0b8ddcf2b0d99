#include "base/process.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <stdexcept>
#include <thread>

#include "base/cancel.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

using namespace envtool;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

ProcessSpec shell(std::string script) { return {.argv = {"sh", "-c", std::move(script)}}; }
ProcessResult run(const ProcessSpec& spec) { return SystemProcessRunner().run(spec, {}); }

auto seconds_of(const std::function<void()>& action) {
  const auto begin = std::chrono::steady_clock::now();
  action();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("a program's output, errors and status come back") {
  const ProcessResult result = run(shell("echo out; echo err >&2; exit 3"));

  CHECK(result.output == "out\n");
  CHECK(result.error == "err\n");
  CHECK(result.status == 3);
  CHECK_FALSE(result.ok());
}

TEST_CASE("a program ended by a signal has 128 and its number") {
  CHECK(run(shell("kill -9 $$")).status == 137);
  CHECK(run(shell("kill -SEGV $$")).status == 139);
}

TEST_CASE("a program that cannot be started is status 127 with the reason") {
  const ProcessResult missing = run({.argv = {"envtool-no-such-program"}});
  const ProcessResult refused = run({.argv = {"/etc/passwd"}});
  const ProcessResult nowhere = run({.argv = {"true"}, .directory = "/no/such/place"});

  CHECK(missing.status == 127);
  CHECK(missing.error.find("no such program on PATH") != std::string::npos);
  CHECK(refused.status == 127);
  CHECK(refused.error.find("Permission denied") != std::string::npos);
  CHECK(nowhere.status == 127);
}

TEST_CASE("arguments arrive as they are") {
  const ProcessResult result = run({.argv = {"printf", "%s|", "a b", "", "*", "'\"$x", "é\n", "-n"}});

  CHECK(result.output == "a b||*|'\"$x|é\n|-n|");
}

TEST_CASE("a program's environment and directory are what its spec says") {
  ::setenv("ENVTOOL_TEST_UNSET", "1", 1);
  ProcessSpec spec = shell("echo \"$A|${ENVTOOL_TEST_UNSET-gone}|$PWD\"");
  spec.environment = {{"A", "x y"}};
  spec.unset = {"ENVTOOL_TEST_UNSET"};
  spec.directory = "/usr";

  CHECK(run(spec).output == "x y|gone|/usr\n");
}

TEST_CASE("input larger than a pipe arrives whole, while output comes back") {
  ProcessSpec spec{.argv = {"cat"}, .input = std::string(1'000'000, 'x')};

  CHECK((run(spec).output == spec.input));
}

TEST_CASE("a program that does not want its input is no trouble") {
  ProcessSpec spec{.argv = {"true"}, .input = std::string(1'000'000, 'x')};

  CHECK(run(spec).ok());
}

TEST_CASE("without input a program reads an empty one") { CHECK(run({.argv = {"cat"}}).output.empty()); }

TEST_CASE("a descriptor can be a program's input") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "f", "from a file");
  const UniqueFd fd(::open((directory.path() / "f").c_str(), O_RDONLY | O_CLOEXEC));

  CHECK(run({.argv = {"cat"}, .input_fd = fd.get()}).output == "from a file");
}

TEST_CASE("sinks get what comes as it comes, and the result does not") {
  std::string out, err;
  ProcessSpec spec = shell("echo one; echo two >&2");
  spec.on_output = [&](std::string_view chunk) { out += chunk; };
  spec.on_error = [&](std::string_view chunk) { err += chunk; };

  const ProcessResult result = run(spec);

  CHECK(out == "one\n");
  CHECK(err == "two\n");
  CHECK(result.output.empty());
}

TEST_CASE("a program past its time is ended with all it started") {
  ProcessSpec spec = shell("sleep 30 & sleep 30");
  spec.timeout = 100ms;
  ProcessResult result;

  const double seconds = seconds_of([&] { result = run(spec); });

  CHECK(result.timed_out);
  CHECK(result.status == 143);
  CHECK(seconds < 5);
}

TEST_CASE("closing its output does not let a program outstay its time") {
  ProcessSpec spec = shell("exec >&- 2>&-; sleep 30");
  spec.timeout = 100ms;
  ProcessResult result;

  const double seconds = seconds_of([&] { result = run(spec); });

  CHECK(result.timed_out);
  CHECK(seconds < 5);
}

TEST_CASE("what a program leaves behind does not keep its caller waiting") {
  ProcessResult result;

  const double seconds = seconds_of([&] { result = run(shell("sleep 20 & echo done; echo $! >&2")); });

  CHECK(result.ok());
  CHECK(result.output == "done\n");
  CHECK(seconds < 5);
  ::kill(std::stoi(result.error), SIGKILL);
}

TEST_CASE("a stop request ends the program and interrupts the caller") {
  std::stop_source stop;
  std::jthread later([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
  });

  const double seconds = seconds_of([&] {
    CHECK_THROWS_AS(SystemProcessRunner().run({.argv = {"sleep", "30"}}, stop.get_token()), Interrupted);
  });

  CHECK(seconds < 5);
}

TEST_CASE("after a stop request nothing is started") {
  const TemporaryDirectory directory;
  std::stop_source stop;
  stop.request_stop();

  CHECK_THROWS_AS(
      SystemProcessRunner().run({.argv = {"touch", (directory.path() / "f").string()}}, stop.get_token()),
      Interrupted);
  CHECK_FALSE(fs::exists(directory.path() / "f"));
}

TEST_CASE("a sink that throws ends the program") {
  const TemporaryDirectory directory;
  ProcessSpec spec = shell("echo $$; exec sleep 30");
  int pid = 0;
  spec.on_output = [&](std::string_view chunk) {
    pid = std::stoi(std::string(chunk));
    throw std::runtime_error("full");
  };

  CHECK_THROWS_AS(run(spec), std::runtime_error);
  REQUIRE(pid > 0);
  CHECK(::kill(pid, 0) == -1);
}

TEST_CASE("no descriptor of ours reaches a program") {
  const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const UniqueFd secret(::fcntl(null.get(), F_DUPFD, 200));  // as a library opens it: without O_CLOEXEC

  const ProcessResult result = run(shell("ls /proc/self/fd"));

  CHECK(split(trim(result.output), '\n').size() == 4);  // 0, 1, 2, and the one with which ls reads
}

TEST_CASE("an attached program's status comes back, a missing one's too") {
  SystemProcessRunner runner;

  CHECK(runner.run_attached(shell("exit 7")) == 7);
  CHECK(runner.run_attached(shell("kill -TERM $$")) == 143);
  CHECK_THROWS_AS(runner.run_attached({.argv = {"envtool-no-such-program"}}), Error);
}

TEST_CASE("a detached program has a session and a log of its own and no descriptor of ours") {
  const TemporaryDirectory directory;
  const fs::path log = directory.path() / "log";
  SystemProcessRunner runner;

  const int pid =
      runner.start_detached(shell("ls /proc/self/fd | tr '\\n' ' '; echo; ps -o sid= -p $$; cat"), log);

  std::string said;
  for (int i = 0; i < 300 && std::count(said.begin(), said.end(), '\n') < 2; ++i) {
    std::this_thread::sleep_for(10ms);
    said = read_file_if_there(log).value_or("");
  }
  const auto lines = split(trim(said), '\n');
  REQUIRE(lines.size() == 2);
  CHECK(lines[0] == "0 1 2 3 ");
  CHECK(std::stoi(lines[1]) == pid);
}

TEST_CASE("many programs at once from many threads all come back") {
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&good, i] {
      for (int j = 0; j < 10; ++j)
        if (run(shell("echo " + std::to_string(i * 100 + j))).output == std::to_string(i * 100 + j) + "\n")
          ++good;
    });
  threads.clear();

  CHECK(good == 80);
}

TEST_CASE("the terminal's Ctrl-C reaches no program that is just being started") {
  ::setpgid(0, 0);  // so that it reaches nobody else either
  sigset_t interrupt, before;
  ::sigemptyset(&interrupt);
  ::sigaddset(&interrupt, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &interrupt, &before);

  int good = 0;
  {
    const std::jthread terminal([](const std::stop_token& stop) {
      while (!stop.stop_requested()) ::kill(0, SIGINT);
    });
    for (int i = 0; i < 50; ++i) good += run({.argv = {"true"}}).ok() ? 1 : 0;
  }

  const timespec at_once = {};
  ::sigtimedwait(&interrupt, nullptr, &at_once);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  CHECK(good == 50);
}

TEST_CASE("a failure in words has the command, the status and the last lines") {
  const ProcessSpec spec{.argv = {"git", "clone", "a b"}};

  CHECK(describe_failure(spec, {.status = 128, .error = "one\ntwo\nthree\n"}, 2) ==
        "'git clone 'a b'' exited with status 128:\n    two\n    three");
  CHECK(describe_failure({.argv = {"x"}, .timeout = 3000ms}, {.timed_out = true}) ==
        "'x' did not end within 3 s");
}

TEST_CASE("the system clock's sleep ends with a stop request") {
  std::stop_source stop;
  stop.request_stop();

  CHECK_THROWS_AS(SystemClock().sleep_for(10s, stop.get_token()), Interrupted);
  CHECK(seconds_of([] { SystemClock().sleep_for(20ms, {}); }) >= 0.02);
}
