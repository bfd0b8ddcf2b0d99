#include "forward/server.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/text.h"
#include "forward/control.h"
#include "forward/log.h"

namespace envtool::forward {

namespace {

int type_of(int socket) {
  int type = 0;
  socklen_t length = sizeof type;
  ::getsockopt(socket, SOL_SOCKET, SO_TYPE, &type, &length);
  return type;
}

bool serves(int socket, const Rule& rule) {
  return type_of(socket) == rule.type && SocketAddress::of_socket(socket) == rule.listen;
}

}  // namespace

/// A bound port; the members before `watch` outlive it.
struct Server::Listener {
  UniqueFd socket;
  Destination destination = {};
  std::optional<UdpRelay> udp = {};
  std::optional<Loop::Watch> watch = {};
};

Server::Server(std::filesystem::path directory)
    : directory_(std::move(directory)), tcp_(loop_), successors_(listen_for_successors(directory_)) {
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  signals_ = UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  const auto end = [this](const char* reason) {
    return [this, reason](std::uint32_t) {
      log_line(reason);
      loop_.stop();
    };
  };
  signals_watch_ = std::make_unique<Loop::Watch>(loop_, signals_.get(), EPOLLIN, end("told to stop"));
  successors_watch_ = std::make_unique<Loop::Watch>(loop_, successors_.get(), EPOLLIN,
                                                    [this](std::uint32_t) { hear_successor(); });
}

Server::~Server() {
  // While the lock is still held: a forwarder after this one has files of its own under these names.
  for (const char* file : {"forwarder.json", "forwarder.sock"}) ::unlink((directory_ / file).c_str());
}

std::string Server::take(Request request, std::vector<UniqueFd> sockets, UniqueFd run_ended) {
  Listeners next;
  for (const Rule& rule : request.rules) {
    const auto is_for_rule = [&](const auto& listener) {
      return listener && serves(listener->socket.get(), rule);
    };
    const auto bound = [&](const UniqueFd& socket) { return serves(socket.get(), rule); };
    if (std::none_of(listeners_.begin(), listeners_.end(), is_for_rule) &&
        std::none_of(sockets.begin(), sockets.end(), bound))
      return fmt::format("no socket for {} was handed over", rule.listen.to_string());
  }
  for (const Rule& rule : request.rules) {
    next.push_back(find(rule, listeners_, sockets));
    direct(*next.back(), rule, request);
  }
  listeners_ = std::move(next);
  run_ended_watch_.reset();
  run_ended_ = std::move(run_ended);
  if (run_ended_)
    run_ended_watch_ = std::make_unique<Loop::Watch>(loop_, run_ended_.get(), EPOLLIN, [this](std::uint32_t) {
      log_line("the machine's run has ended");
      loop_.stop();
    });
  write_file(directory_ / "forwarder.json", to_json(served(request), 2) + "\n", 0600);
  log_line(fmt::format("forwarding {} to {}", count_of(listeners_.size(), "port"), request.guest));
  return {};
}

std::unique_ptr<Server::Listener> Server::find(const Rule& rule, Listeners& current,
                                               std::vector<UniqueFd>& sockets) {
  for (auto& listener : current)
    if (listener && serves(listener->socket.get(), rule)) return std::move(listener);
  const auto socket = std::find_if(sockets.begin(), sockets.end(),
                                   [&](const UniqueFd& each) { return serves(each.get(), rule); });
  return make(rule, std::move(*socket));
}

std::unique_ptr<Server::Listener> Server::make(const Rule& rule, UniqueFd socket) {
  auto made = std::make_unique<Listener>();
  Listener& listener = *made;
  listener.socket = std::move(socket);
  if (rule.type == SOCK_DGRAM) listener.udp.emplace(loop_, listener.socket.get());
  listener.watch.emplace(loop_, listener.socket.get(), EPOLLIN, [this, &listener](std::uint32_t) {
    if (listener.udp)
      listener.udp->receive(listener.destination);
    else
      tcp_.accept_from(listener.socket.get(), listener.destination);
  });
  return made;
}

void Server::direct(Listener& listener, const Rule& rule, const Request& request) {
  const Destination wanted = {*SocketAddress::parse(request.guest, rule.guest_port), request.device,
                              request.command};
  if (listener.udp && !(wanted == listener.destination)) listener.udp->forget_clients();
  listener.destination = wanted;
}

void Server::hear_successor() {
  const UniqueFd successor(::accept4(successors_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!successor) return;
  std::vector<UniqueFd> sockets;
  Message message = receive_message(successor.get());
  while (message.text == handing_over::socket && message.descriptor) {
    sockets.push_back(std::move(message.descriptor));
    message = receive_message(successor.get());
  }
  if (message.text.empty()) return;
  std::string problem;
  try {
    Request request = parse_request(message.text);
    const bool complete = request.run.empty() || message.descriptor;
    problem = complete ? take(std::move(request), std::move(sockets), std::move(message.descriptor))
                       : "the run's descriptor was not handed over";
  } catch (const Error& error) {
    problem = error.what();
  }
  if (!problem.empty()) log_line(problem);
  send_message(successor.get(), problem.empty() ? handing_over::done : std::string_view(problem));
}

bool Server::wants_ticks() const {
  return tcp_.wants_ticks() || std::any_of(listeners_.begin(), listeners_.end(), [](const auto& listener) {
           return listener->udp && listener->udp->wants_ticks();
         });
}

void Server::run() {
  loop_.run([this] { return wants_ticks(); },
            [this] {
              tcp_.tick();
              for (const auto& listener : listeners_)
                if (listener->udp) listener->udp->tick();
            });
}

}  // namespace envtool::forward
