#include "forward/udp.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "forward/log.h"

namespace envtool::forward {

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t largest_datagram = 65536;
constexpr std::size_t sessions_limit = 1024;
constexpr auto idle_limit = std::chrono::seconds(60);
constexpr int datagrams_in_a_row = 64;

std::string key_of(const SocketAddress& client) {
  return std::string(reinterpret_cast<const char*>(client.get()), client.length());
}

}  // namespace

struct UdpRelay::Session {
  SocketAddress client;
  UniqueFd guest;
  Clock::time_point last_used = Clock::now();
  std::optional<Loop::Watch> watch = {};
};

UdpRelay::UdpRelay(Loop& loop, int listener) : loop_(loop), listener_(listener), buffer_(largest_datagram) {}

UdpRelay::~UdpRelay() = default;

void UdpRelay::forget_clients() { sessions_.clear(); }

void UdpRelay::receive(const Destination& destination) {
  for (int i = 0; i < datagrams_in_a_row; ++i) {
    sockaddr_storage storage = {};
    socklen_t length = sizeof storage;
    const ssize_t count = ::recvfrom(listener_, buffer_.data(), buffer_.size(), 0,
                                     reinterpret_cast<sockaddr*>(&storage), &length);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) continue;
    Session* session = session_of(SocketAddress::from(storage, length), destination);
    // A datagram that cannot be passed on is lost, as datagrams are.
    if (session != nullptr) ::send(session->guest.get(), buffer_.data(), static_cast<std::size_t>(count), 0);
  }
}

UdpRelay::Session* UdpRelay::session_of(const SocketAddress& client, const Destination& destination) {
  const auto found = sessions_.find(key_of(client));
  if (found != sessions_.end()) {
    found->second->last_used = Clock::now();
    return found->second.get();
  }
  if (sessions_.size() >= sessions_limit)
    sessions_.erase(std::min_element(sessions_.begin(), sessions_.end(), [](const auto& a, const auto& b) {
      return a.second->last_used < b.second->last_used;
    }));
  UniqueFd guest = connect_to(destination, SOCK_DGRAM);
  if (!guest) {
    log_rarely(fmt::format("cannot reach {}/udp: {}", destination.address.to_string(), errno_text(errno)));
    return nullptr;
  }
  auto made = std::make_unique<Session>();
  made->client = client;
  made->guest = std::move(guest);
  Session* session = made.get();
  session->watch.emplace(loop_, session->guest.get(), EPOLLIN,
                         [this, session](std::uint32_t) { answer(*session); });
  sessions_.emplace(key_of(client), std::move(made));
  return session;
}

void UdpRelay::answer(Session& session) {
  for (int i = 0; i < datagrams_in_a_row; ++i) {
    const ssize_t count = ::recv(session.guest.get(), buffer_.data(), buffer_.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (count < 0) continue;  // the guest's "port unreachable", cleared by reading it
    session.last_used = Clock::now();
    ::sendto(listener_, buffer_.data(), static_cast<std::size_t>(count), 0, session.client.get(),
             session.client.length());
  }
}

void UdpRelay::tick() {
  const auto oldest = Clock::now() - idle_limit;
  std::erase_if(sessions_, [&](const auto& entry) { return entry.second->last_used < oldest; });
}

}  // namespace envtool::forward
