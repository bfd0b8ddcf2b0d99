#include "core/probes.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/command_socket.h"
#include "base/files.h"
#include "base/text.h"
#include "core/inventory.h"

namespace envtool {

namespace {

using std::chrono::milliseconds;
constexpr milliseconds pause{100};
constexpr milliseconds patience{2000};  ///< for one attempt

/// Connects through the machine's own device only: without its bridge the address may be somebody else's.
UniqueFd connect_to(const SshEndpoint& endpoint, std::uint16_t port, std::string& seen) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (::inet_pton(AF_INET, endpoint.host.c_str(), &address.sin_addr) != 1) {
    seen = fmt::format("'{}' is no IPv4 address", endpoint.host);
    return {};
  }
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const std::string& device = endpoint.device;
  if (!device.empty() && ::setsockopt(fd.get(), SOL_SOCKET, SO_BINDTODEVICE, device.c_str(),
                                      static_cast<socklen_t>(device.size())) != 0) {
    seen = fmt::format("device '{}': {}", device, errno_text(errno));
    return {};
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno != EINPROGRESS) {
    seen = errno_text(errno);
    return {};
  }
  pollfd waiting{fd.get(), POLLOUT, 0};
  int number = ETIMEDOUT;
  socklen_t size = sizeof number;
  if (::poll(&waiting, 1, static_cast<int>(patience.count())) > 0)
    ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &number, &size);
  if (number == 0) return fd;
  seen = errno_text(number);
  return {};
}

/// Asks for the page and reads the status line; a status from 200 to 399 is well.
bool http_answers(const UniqueFd& fd, const ReadyProbe& probe, const SshEndpoint& endpoint,
                  std::string& seen) {
  const std::string request =
      fmt::format("GET {} HTTP/1.0\r\nHost: {}\r\nUser-Agent: envtool\r\nConnection: close\r\n\r\n",
                  probe.path, endpoint.host);
  if (::send(fd.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    seen = errno_text(errno);
    return false;
  }
  std::string answer;
  while (answer.find('\n') == std::string::npos && answer.size() < 4096) {
    pollfd waiting{fd.get(), POLLIN, 0};
    char buffer[1024];
    if (::poll(&waiting, 1, static_cast<int>(patience.count())) <= 0) break;
    const ssize_t count = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (count <= 0) break;
    answer.append(buffer, static_cast<size_t>(count));
  }
  const std::string line(trim(answer.substr(0, answer.find('\n'))));
  seen = line.empty() ? "no answer" : line;
  const std::vector<std::string> words = split(line, ' ');
  return line.starts_with("HTTP/") && words.size() > 1 && words[1].size() == 3 &&
         (words[1][0] == '2' || words[1][0] == '3');
}

/// Where only SSH leads to the guest, nobody here hears whether a port is refused there.
bool accepts_inside(const ReadyProbe& probe, const std::string& host, Communicator& guest,
                    Operation& operation, std::string& seen) {
  GuestCommand command{.argv = {"bash", "-c", fmt::format("exec 3<>/dev/tcp/{}/{}", host, probe.port)}};
  command.timeout = patience;
  const ProcessResult result = guest.run(command, operation);
  seen = result.timed_out ? "no answer" : last_lines(result.error, 1);
  return result.ok();
}

bool runs(const ReadyProbe& probe, Communicator& guest, Operation& operation, std::string& seen) {
  GuestCommand command{.script = probe.command};
  command.timeout = std::max(probe.timeout, milliseconds(1000));
  const ProcessResult result = guest.run(command, operation);
  const std::string said = last_lines(result.error.empty() ? result.output : result.error, 3);
  seen = fmt::format("status {}{}{}", result.status, said.empty() ? "" : ": ", said);
  return result.ok();
}

std::string describe(const ReadyProbe& probe) {
  if (probe.kind == ProbeKind::tcp) return fmt::format("port {} to accept connections", probe.port);
  if (probe.kind == ProbeKind::http)
    return fmt::format("http port {} path {} to answer", probe.port, probe.path);
  return fmt::format("'{}' to succeed", probe.command);
}

}  // namespace

void wait_for_probe(const ReadyProbe& probe, const SshEndpoint& endpoint,
                    const std::function<Communicator&()>& guest, Operation& operation) {
  const auto deadline = operation.host.clock.now() + probe.timeout;
  const std::string command = port_command(endpoint);
  const std::string host = endpoint.ssh_only ? "127.0.0.1" : endpoint.host;
  std::string seen;
  for (;;) {
    bool ok;
    if (probe.kind == ProbeKind::run) {
      ok = runs(probe, guest(), operation, seen);
    } else if (!command.empty() && probe.kind == ProbeKind::tcp) {
      ok = accepts_inside(probe, host, guest(), operation, seen);
    } else {
      const UniqueFd fd = command.empty() ? connect_to(endpoint, probe.port, seen)
                                          : connect_by_command(command, host, probe.port);
      ok = fd && (probe.kind == ProbeKind::tcp || http_answers(fd, probe, endpoint, seen));
    }
    if (ok) return;
    if (operation.host.clock.now() >= deadline) break;
    operation.sleep_for(pause);
  }
  throw Error(ErrorKind::failed, fmt::format("waited {} s for {}; last seen: {}",
                                             probe.timeout.count() / 1000, describe(probe), seen))
      .with_hint(probe.hint)
      .at(probe.position);
}

}  // namespace envtool
