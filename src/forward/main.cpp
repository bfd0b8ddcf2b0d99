/// envtool-forward: carries a machine's forwarded ports. Started by core/forwarder.cpp, which knows what it
/// says on the report descriptor: `ready`, or a JSON object with `error`, or with `forward` (an index) and
/// `errno` for a port that could not be bound.

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "forward/control.h"
#include "forward/log.h"
#include "forward/server.h"

namespace envtool::forward {

namespace {

/// A port that could not be bound.
struct BindFailure {
  std::size_t rule;
  int number;
};

void report(const Request& request, std::string_view text) {
  [[maybe_unused]] const ssize_t ignored = ::write(request.report, text.data(), text.size());
  ::close(request.report);
}

/// Each connection takes two descriptors.
void raise_descriptor_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::max(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 16384));
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

UniqueFd bind_rule(const Request& request, std::size_t index) {
  const Rule& rule = request.rules[index];
  UniqueFd socket = listen_on(rule.listen, rule.type);
  if (!socket) throw BindFailure{index, errno};
  return socket;
}

void become_user(const Request& request) {
  if (::geteuid() == request.uid && ::getuid() == request.uid) return;
  if (::setresgid(request.gid, request.gid, request.gid) != 0 ||
      ::setresuid(request.uid, request.uid, request.uid) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot become user {}: {}", request.uid, errno_text(errno)));
}

/// Binds what the running forwarder, had it lived, would have kept.
void bind_missing(const Request& request, std::vector<UniqueFd>& sockets) {
  for (std::size_t index = 0; index < request.rules.size(); ++index)
    if (std::find(request.fresh.begin(), request.fresh.end(), index) == request.fresh.end())
      sockets.push_back(bind_rule(request, index));
}

/// False when nobody is there to take it.
bool hand_over(const Request& request, const std::vector<UniqueFd>& sockets) {
  const UniqueFd running = connect_to_running(request.directory);
  if (!running) return false;
  for (const UniqueFd& socket : sockets)
    if (!send_message(running.get(), handing_over::socket, socket.get())) return false;
  if (!send_message(running.get(), to_json(request.document), request.run_ended)) return false;
  const std::string answer = receive_message(running.get()).text;
  if (!answer.empty() && answer != handing_over::done) throw Error(ErrorKind::failed, answer);
  return !answer.empty();
}

void serve(const Request& request, std::vector<UniqueFd> sockets) {
  Server server(request.directory);
  const std::string problem = server.take(request, std::move(sockets), UniqueFd(request.run_ended));
  if (!problem.empty()) throw Error(ErrorKind::failed, problem);
  report(request, "ready");
  server.run();
}

/// The lock's holder serves; everybody else hands over to it.
void serve_or_hand_over(const Request& request, std::vector<UniqueFd> sockets) {
  constexpr int attempts = 100;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (const auto lock =
            FileLock::try_take(request.directory / "forwarder.lock", std::to_string(::getpid()))) {
      bind_missing(request, sockets);
      return serve(request, std::move(sockets));
    }
    if (hand_over(request, sockets)) return report(request, "ready");
    // It is just coming or going, or `Forwarders::active` looks at the lock at this moment.
    ::usleep(20'000);
  }
  throw Error(ErrorKind::failed, "the machine's running forwarder does not answer");
}

int run(const Request& request) {
  try {
    std::vector<UniqueFd> sockets;
    for (const std::size_t index : request.fresh) sockets.push_back(bind_rule(request, index));
    become_user(request);
    serve_or_hand_over(request, std::move(sockets));
    return 0;
  } catch (const BindFailure& failure) {
    report(request, to_json(Value::map(
                        {{"forward", static_cast<std::int64_t>(failure.rule)}, {"errno", failure.number}})));
  } catch (const Error& error) {
    log_line(error.what());
    report(request, to_json(Value::map({{"error", error.what()}})));
  }
  return 1;
}

}  // namespace

}  // namespace envtool::forward

int main(int argc, char** argv) {
  using namespace envtool;
  if (argc != 2) {
    std::fputs("envtool-forward is started by envtool itself\n", stderr);
    return 2;
  }
  ::signal(SIGPIPE, SIG_IGN);
  sigset_t term;
  ::sigemptyset(&term);
  ::sigaddset(&term, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &term, nullptr);
  forward::raise_descriptor_limit();
  try {
    return forward::run(forward::parse_request(argv[1]));
  } catch (const Error& error) {
    std::fprintf(stderr, "envtool-forward: %s\n", error.what());
    return 2;
  }
}
