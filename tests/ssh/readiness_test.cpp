#include "ssh/readiness.h"

#include <doctest/doctest.h>

#include "support/scripted_host.h"

using namespace envtool;
using namespace std::chrono_literals;

namespace {

const SshEndpoint endpoint{.host = "10.0.0.2", .user = "vagrant"};

struct Waiting {
  ScriptedHost host;
  std::function<void()> still_alive = [] {};
  Patience patience{30s, still_alive, host.operation};

  std::string message_of(const std::function<void()>& attempt) {
    try {
      connect_patiently(endpoint, attempt, patience);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }
};

}  // namespace

TEST_CASE("connecting goes on until an attempt succeeds") {
  Waiting waiting;
  int attempts = 0;

  connect_patiently(
      endpoint,
      [&] {
        if (++attempts < 100) throw NotReady{Stage::port, "connection refused"};
      },
      waiting.patience);

  CHECK(attempts == 100);
  CHECK(waiting.patience.elapsed() < 2s);
}

TEST_CASE("a port that never opens is named with what was seen last") {
  Waiting waiting;

  const std::string message = waiting.message_of([] { throw NotReady{Stage::port, "connection refused"}; });

  CHECK(message ==
        "cannot log in to vagrant@10.0.0.2:22: waited 30.0 s for the SSH port to open; last seen: connection "
        "refused");
}

TEST_CASE("a wrong host key ends the waiting at once, with its own hint") {
  Waiting waiting;
  int attempts = 0;

  try {
    connect_patiently(
        endpoint,
        [&] {
          ++attempts;
          throw NotReady{Stage::key_exchange, "the host key is A, expected B", Verdict::hopeless, "look out"};
        },
        waiting.patience);
    FAIL("it went on");
  } catch (const Error& error) {
    CHECK(error.hint() == "look out");
  }

  CHECK(attempts == 1);
}

TEST_CASE("a refused key is tried five times and not for ever") {
  Waiting waiting;
  int attempts = 0;

  const std::string message = waiting.message_of([&] {
    ++attempts;
    throw NotReady{Stage::login, "the guest refuses the key SHA256:x", Verdict::refused};
  });

  CHECK(attempts == 5);
  CHECK(message == "cannot log in to vagrant@10.0.0.2:22: the guest refuses the key SHA256:x, 5 times");
}

TEST_CASE("a guest that is still booting may refuse logins until the deadline") {
  Waiting waiting;

  const std::string message = waiting.message_of([] {
    throw NotReady{Stage::login, "System is booting up"};
  });

  CHECK(message.ends_with("waited 30.0 s for the login to be accepted; last seen: System is booting up"));
}

TEST_CASE("a missing route does not use up the whole deadline") {
  Waiting waiting;

  const std::string message = waiting.message_of([] { throw NotReady{Stage::route, "no route"}; });

  CHECK(message.find("waited 10.0 s for the route to the guest") != std::string::npos);
}

TEST_CASE("a machine that died ends the waiting with its own error") {
  ScriptedHost host;
  const std::function<void()> still_alive = [] { throw Error(ErrorKind::failed, "the machine stopped"); };
  Patience patience(30s, still_alive, host.operation);

  CHECK_THROWS_WITH_AS(connect_patiently(
                           endpoint,
                           [] {
                             throw NotReady{Stage::port, "x"};
                           },
                           patience),
                       "the machine stopped", Error);
  CHECK(patience.elapsed() < 1s);
}

TEST_CASE("a stop request ends the waiting") {
  ScriptedHost host;
  std::stop_source stop;
  Operation operation{host.host, "web", stop.get_token()};
  const std::function<void()> still_alive = [] {};
  Patience patience(30s, still_alive, operation);

  CHECK_THROWS_AS(connect_patiently(
                      endpoint,
                      [&] {
                        stop.request_stop();
                        throw NotReady{Stage::port, "x"};
                      },
                      patience),
                  Interrupted);
}

TEST_CASE("what leads to the guest says itself why it does not") {
  const NotReady closed{Stage::banner, "the connection was closed at once"};
  const auto after = [&](const char* said) { return not_ready_through("ssh there", closed, said); };

  CHECK(after("").seen == "the connection was closed at once (through 'ssh there')");
  CHECK(after("").stage == Stage::banner);
  const NotReady booting = after("channel 0: open failed: No route to host\r\nstdio forwarding failed\r\n");
  CHECK(booting.seen == "stdio forwarding failed (through 'ssh there')");
  CHECK(booting.stage == Stage::port);
  CHECK(booting.verdict == Verdict::again);
}

TEST_CASE("a host in between that lets nobody in is not waited for") {
  Waiting waiting;

  const std::string message = waiting.message_of([] {
    throw not_ready_through("ssh there", {Stage::banner, "closed"},
                            "me@there: Permission denied (publickey).\r\n");
  });

  CHECK(message.ends_with(": me@there: Permission denied (publickey). (through 'ssh there')"));
  CHECK(waiting.patience.elapsed() < 1s);
}
