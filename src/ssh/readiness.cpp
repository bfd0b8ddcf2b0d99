#include "ssh/readiness.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace envtool {

namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds tick_length = 50ms;
constexpr milliseconds alive_interval = 250ms;
constexpr int most_refusals = 5;

struct StageInfo {
  const char* waited_for;
  milliseconds limit;  ///< zero: only the whole counts
  const char* hint;
};

/// A port may open long before the guest listens (VirtualBox's NAT takes every connection), and a login may
/// be refused until the boot has ended (pam_nologin): these stages have the whole time.
const StageInfo& info_of(Stage stage) {
  static constexpr std::array<StageInfo, 5> table = {{
      {"the route to the guest", 10s, "the network of the machine is gone; `envtool reload` makes it anew"},
      {"the SSH port to open", 0s,
       "the guest is still booting, has no sshd, or has another address; its console says more: `envtool "
       "logs`"},
      {"an SSH server to answer", 0s,
       "something listens on the port, but says nothing; look at the guest's sshd"},
      {"the SSH key exchange", 120s, "the guest's sshd breaks off; its log says why"},
      {"the login to be accepted", 0s, "the guest's sshd or PAM refuses; its log says why"},
  }};
  return table[static_cast<std::size_t>(stage)];
}

/// Polling costs the guest next to nothing while the port is closed, but a key exchange of its time later.
milliseconds pause_after(const NotReady& failure, milliseconds elapsed, int refusals) {
  if (failure.verdict == Verdict::refused) return 50ms * (1 << refusals);
  if (elapsed > 60s) return 250ms;
  if (elapsed > 10s) return 50ms;
  return failure.stage >= Stage::banner ? 20ms : 10ms;
}

std::string seconds(milliseconds duration) {
  return fmt::format("{:.1f} s", static_cast<double>(duration.count()) / 1000);
}

[[noreturn]] void give_up(const SshEndpoint& endpoint, const NotReady& failure, const std::string& why) {
  throw Error(ErrorKind::failed,
              fmt::format("cannot log in to {}@{}:{}: {}", endpoint.user, endpoint.host, endpoint.port, why))
      .with_hint(failure.hint.empty() ? info_of(failure.stage).hint : failure.hint);
}

}  // namespace

NotReady not_ready_through(const std::string& command, const NotReady& reason, const std::string& messages) {
  const std::string said = last_lines(messages, 1);
  if (said.empty())
    return {reason.stage, fmt::format("{} (through '{}')", reason.seen, command), reason.verdict,
            reason.hint};
  NotReady failure{Stage::port, fmt::format("{} (through '{}')", said, command)};
  // Of OpenSSH's client, which nobody translates. Of a guest that is not up yet it says other things.
  for (const char* const of_no_host : {"Permission denied", "Host key verification failed",
                                       "Could not resolve hostname", "ssh: connect to host"}) {
    if (said.find(of_no_host) == std::string::npos) continue;
    failure.verdict = Verdict::hopeless;
    failure.hint =
        "the command must get there without a question; user, port and key can stand in ~/.ssh/config";
  }
  return failure;
}

Patience::Patience(milliseconds timeout, const std::function<void()>& still_alive, Operation& operation)
    : timeout_(timeout), still_alive_(still_alive), operation_(operation), begin_(now()), asked_(begin_) {}

void Patience::tick() {
  operation_.check_stop();
  if (!still_alive_ || now() - asked_ < alive_interval) return;
  still_alive_();
  asked_ = now();
}

milliseconds Patience::elapsed() const { return std::chrono::duration_cast<milliseconds>(now() - begin_); }

void Patience::rest(milliseconds duration) {
  for (milliseconds rest = std::min(duration, std::max(left(), 0ms)); rest > 0ms; rest -= tick_length) {
    operation_.sleep_for(std::min(rest, tick_length));
    tick();
  }
}

void connect_patiently(const SshEndpoint& endpoint, const std::function<void()>& attempt,
                       Patience& patience) {
  Stage furthest = Stage::route;
  milliseconds reached{0};
  int refusals = 0;
  while (true) {
    patience.tick();
    try {
      return attempt();
    } catch (const NotReady& failure) {
      if (failure.stage > furthest) {
        furthest = failure.stage;
        reached = patience.elapsed();
      }
      const StageInfo& info = info_of(failure.stage);
      if (failure.verdict == Verdict::hopeless) give_up(endpoint, failure, failure.seen);
      if (failure.verdict == Verdict::refused && ++refusals >= most_refusals)
        give_up(endpoint, failure, fmt::format("{}, {} times", failure.seen, refusals));
      const milliseconds waited = patience.elapsed() - reached;
      const bool stage_is_over = info.limit > 0ms && failure.stage == furthest && waited >= info.limit;
      if (stage_is_over || patience.left() <= 0ms)
        give_up(
            endpoint, failure,
            fmt::format("waited {} for {}; last seen: {}",
                        seconds(stage_is_over ? waited : patience.elapsed()), info.waited_for, failure.seen));
      patience.rest(pause_after(failure, patience.elapsed(), refusals));
    }
  }
}

}  // namespace envtool
