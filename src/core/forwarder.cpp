#include "core/forwarder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "base/files.h"
#include "base/text.h"
#include "core/ports.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

using namespace std::chrono_literals;

constexpr auto start_timeout = 10s;
constexpr auto term_timeout = 3s;
constexpr auto kill_timeout = 3s;

fs::path lock_file(const fs::path& directory) { return directory / "forwarder.lock"; }

bool is_served(const fs::path& directory) {
  const UniqueFd lock(::open(lock_file(directory).c_str(), O_RDONLY | O_CLOEXEC));
  return lock && ::flock(lock.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

/// What the running forwarder says of itself; null when there is none.
Value read_served(const fs::path& directory) try {
  if (!is_served(directory)) return {};
  const auto text = read_file_if_there(directory / "forwarder.json");
  return text ? parse_json(*text, "forwarder.json") : Value();
} catch (const Error&) {
  return {};  // torn by a full disk: as good as none, the forwarder is given everything again
}

/// Tells one run from another as long as either lasts. Pid: for a pidfd, whose inode says nothing before
/// Linux 6.9.
std::string run_identity(int run_ended) {
  if (run_ended < 0) return {};
  struct stat status = {};
  ::fstat(run_ended, &status);
  std::string pid;
  const std::string description =
      read_file_if_there(fmt::format("/proc/self/fdinfo/{}", run_ended)).value_or("");
  for (const std::string& line : split(description, '\n'))
    if (line.starts_with("Pid:")) pid = trim(std::string_view(line).substr(4));
  return fmt::format("{}:{}:{}", status.st_dev, status.st_ino, pid);
}

bool same_set(const std::vector<Forward>& left, const std::vector<Forward>& right) {
  return left.size() == right.size() && std::is_permutation(left.begin(), left.end(), right.begin());
}

bool listens_for(const std::vector<Forward>& served, const Forward& forward) {
  return std::any_of(served.begin(), served.end(), [&](const Forward& other) {
    return describe_host_side(other) == describe_host_side(forward);
  });
}

int first_unprivileged_port() {
  const std::string text =
      read_file_if_there("/proc/sys/net/ipv4/ip_unprivileged_port_start").value_or("1024");
  int port = 1024;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

struct Start {
  Value document;  ///< the argument of envtool-forward; src/forward/request.h describes it
  bool needs_root = false;
};

Start prepare(const ForwarderRequest& request, const std::vector<Forward>& served, const std::string& run) {
  Start start;
  Value fresh = Value::list();
  for (std::size_t i = 0; i < request.forwards.size(); ++i) {
    if (listens_for(served, request.forwards[i])) continue;
    fresh.push_back(static_cast<std::int64_t>(i));
    if (request.forwards[i].host < first_unprivileged_port()) start.needs_root = can_regain_root();
  }
  start.document = Value::map({{"directory", request.directory.string()},
                               {"forwards", forwards_to_value(request.forwards)},
                               {"fresh", fresh},
                               {"guest", request.guest_address},
                               {"device", request.device},
                               {"command", request.command},
                               {"run", run},
                               {"uid", static_cast<std::int64_t>(::geteuid())},
                               {"gid", static_cast<std::int64_t>(::getegid())}});
  return start;
}

/// What the started program reports; it closes its end when it has said all.
std::string read_report(int fd, Operation& operation) {
  std::string report;
  const auto deadline = std::chrono::steady_clock::now() + start_timeout;
  while (std::chrono::steady_clock::now() < deadline) {
    operation.check_stop();
    pollfd waiting = {fd, POLLIN, 0};
    if (::poll(&waiting, 1, 100) <= 0) continue;
    char buffer[4096];
    const ssize_t count = ::read(fd, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return report;
    report.append(buffer, static_cast<std::size_t>(count));
  }
  return report;
}

[[noreturn]] void throw_reported(const std::string& report, const ForwarderRequest& request) {
  const fs::path log = request.directory / "forwarder.log";
  if (report.empty())
    throw Error(ErrorKind::failed, "the port forwarder did not start")
        .with_hint(fmt::format("see '{}'", log.string()));
  const Value document = parse_json(report, "the forwarder's report");
  const auto index = static_cast<std::size_t>(document["forward"].as_integer(-1));
  if (index < request.forwards.size())
    throw port_refused(request.forwards[index], static_cast<int>(document["errno"].as_integer()));
  throw Error(ErrorKind::failed, fmt::format("cannot forward ports: {}", document["error"].as_text()))
      .with_hint(fmt::format("see '{}'", log.string()));
}

/// A pidfd of the process that holds the lock; invalid when nobody does. Throws when the holder is out of
/// reach.
UniqueFd holder_of_lock(const fs::path& directory) {
  const fs::path path = lock_file(directory);
  // The holder writes its pid just after it took the lock.
  for (int attempt = 0; attempt < 100; ++attempt) {
    if (!is_served(directory)) return {};
    const std::string text = FileLock::holder_of(path);
    pid_t pid = 0;
    std::from_chars(text.data(), text.data() + text.size(), pid);
    UniqueFd holder(pid > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
    // Held by the same before and after: the descriptor is of the holder, not of a later process of that pid.
    if (holder && is_served(directory) && FileLock::holder_of(path) == text) return holder;
    ::usleep(10'000);
  }
  throw Error(ErrorKind::failed, fmt::format("cannot find the process that holds '{}'", path.string()));
}

bool ends_after(int signal, int pidfd, std::chrono::milliseconds timeout) {
  ::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0);
  pollfd ended = {pidfd, POLLIN, 0};
  return ::poll(&ended, 1, static_cast<int>(timeout.count())) > 0;
}

}  // namespace

Forwarders::Forwarders(Host& host) : host_(host) {}

std::vector<Forward> Forwarders::active(const fs::path& directory) const {
  return forwards_from(read_served(directory)["forwards"]);
}

void Forwarders::ensure(const ForwarderRequest& request, Operation& operation) {
  if (request.forwards.empty()) return stop(request.directory);
  const Value served = read_served(request.directory);
  const std::string run = run_identity(request.run_ended);
  const std::vector<Forward> listening = forwards_from(served["forwards"]);
  if (same_set(listening, request.forwards) && served["guest"].as_text() == request.guest_address &&
      served["device"].as_text() == request.device && served["command"].as_text() == request.command &&
      served["run"].as_text() == run)
    return;

  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  const UniqueFd report(ends[0]);
  UniqueFd report_to(ends[1]);
  Start start = prepare(request, listening, run);
  start.document.set("report", report_to.get());
  start.document.set("run_ended", request.run_ended);
  ProcessSpec spec{
      .argv = {(host_.paths.helper_programs / "envtool-forward").string(), to_json(start.document)},
      .directory = "/",
      .inherited = {report_to.get()},
      .regain_root = start.needs_root};
  if (request.run_ended >= 0) spec.inherited.push_back(request.run_ended);
  make_directories(request.directory, 0700);
  host_.processes.start_detached(spec, request.directory / "forwarder.log");
  report_to.reset();
  const std::string outcome = read_report(report.get(), operation);
  if (outcome != "ready") throw_reported(outcome, request);
}

void Forwarders::stop(const fs::path& directory) {
  const UniqueFd holder = holder_of_lock(directory);
  if (!holder || ends_after(SIGTERM, holder.get(), term_timeout) ||
      ends_after(SIGKILL, holder.get(), kill_timeout))
    return;
  throw Error(ErrorKind::failed, fmt::format("the port forwarder of '{}' does not end", directory.string()));
}

}  // namespace envtool
