#include "forward/tcp.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "forward/log.h"

namespace envtool::forward {

namespace {

constexpr std::size_t buffer_size = 256 << 10;
constexpr std::size_t connections_limit = 4096;
constexpr auto connect_timeout = std::chrono::seconds(10);
constexpr int accepts_in_a_row = 64;
/// A busy connection lets the others have their turn after this many buffers.
constexpr int reads_in_a_row = 8;

void set_up(int socket) {
  const int on = 1, idle = 60;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  // A peer that vanished without a word frees its connection here some minutes later.
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
}

/// Closing then resets the connection, so that the peer does not take what it got for the whole.
void reset_on_close(int socket) {
  const linger at_once = {1, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

bool would_block(int number) { return number == EAGAIN || number == EWOULDBLOCK || number == EINTR; }

}  // namespace

/// A client's connection and the one to the guest that belongs to it.
class TcpConnection {
 public:
  struct Side {
    UniqueFd socket;
    std::vector<char> pending = {};  ///< for this side's peer to read, not yet taken by the kernel
    std::size_t sent = 0;            ///< of `pending`
    bool read_all = false;           ///< it has sent its last byte
    bool told_end = false;           ///< it knows that there is nothing more to read
    std::optional<Loop::Watch> watch = {};

    bool has_pending() const { return sent < pending.size(); }
  };

  TcpConnection(UniqueFd from, UniqueFd to, std::string destination)
      : client{std::move(from)}, guest{std::move(to)}, destination_(std::move(destination)) {}

  /// False when the connection is over.
  bool advance(bool from_client, std::uint32_t events, std::vector<char>& buffer) {
    Side& side = from_client ? client : guest;
    Side& other = from_client ? guest : client;
    if (!connected_ && !finish_connecting()) return abort();
    if (events & EPOLLERR) return abort();
    if ((events & EPOLLOUT) && !carry(other, side, buffer)) return abort();
    if ((events & (EPOLLIN | EPOLLHUP)) && !carry(side, other, buffer)) return abort();
    if (client.told_end && guest.told_end) return false;
    update(client, guest);
    update(guest, client);
    return true;
  }

  bool connected() const { return connected_; }

  bool abort() {
    reset_on_close(client.socket.get());
    reset_on_close(guest.socket.get());
    return false;
  }

  Side client, guest;

 private:
  bool finish_connecting() {
    int number = 0;
    socklen_t length = sizeof number;
    ::getsockopt(guest.socket.get(), SOL_SOCKET, SO_ERROR, &number, &length);
    if (number != 0) log_rarely(fmt::format("cannot connect to {}: {}", destination_, errno_text(number)));
    return connected_ = number == 0;
  }

  /// Moves what there is from one side to the other; false when the connection broke.
  static bool carry(Side& from, Side& to, std::vector<char>& buffer) {
    if (!send_pending(to)) return false;
    for (int i = 0; i < reads_in_a_row && !to.has_pending() && !from.read_all; ++i) {
      const ssize_t count = ::recv(from.socket.get(), buffer.data(), buffer.size(), 0);
      if (count < 0 && would_block(errno)) break;
      if (count < 0) return false;
      from.read_all = count == 0;
      if (count > 0 && !send(to, buffer.data(), static_cast<std::size_t>(count))) return false;
    }
    if (from.read_all && !to.has_pending() && !to.told_end) {
      ::shutdown(to.socket.get(), SHUT_WR);
      to.told_end = true;
    }
    return true;
  }

  static bool send(Side& to, const char* data, std::size_t size) {
    const ssize_t count = ::send(to.socket.get(), data, size, MSG_NOSIGNAL);
    if (count < 0 && !would_block(errno)) return false;
    const std::size_t taken = count < 0 ? 0 : static_cast<std::size_t>(count);
    to.pending.assign(data + taken, data + size);
    to.sent = 0;
    return true;
  }

  static bool send_pending(Side& to) {
    if (!to.has_pending()) return true;
    const ssize_t count =
        ::send(to.socket.get(), to.pending.data() + to.sent, to.pending.size() - to.sent, MSG_NOSIGNAL);
    if (count < 0) return would_block(errno);
    to.sent += static_cast<std::size_t>(count);
    if (!to.has_pending()) to.pending = {};
    return true;
  }

  /// Hears of a side only what can be acted on: level-triggered events would come again and again.
  static void update(Side& side, const Side& other) {
    std::uint32_t events = 0;
    if (!side.read_all && !other.has_pending()) events |= EPOLLIN;
    if (side.has_pending()) events |= EPOLLOUT;
    side.watch->set(events);
  }

  std::string destination_;
  bool connected_ = false;
};

TcpRelay::TcpRelay(Loop& loop)
    : loop_(loop), buffer_(buffer_size), reserve_(::open("/dev/null", O_RDONLY | O_CLOEXEC)) {}

TcpRelay::~TcpRelay() = default;

void TcpRelay::accept_from(int listener, const Destination& destination) {
  for (int i = 0; i < accepts_in_a_row; ++i) {
    if (connections_.size() >= connections_limit) return refuse_one(listener);
    UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (client)
      begin(std::move(client), destination);
    else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
      return refuse_one(listener);
    else if (errno != ECONNABORTED && errno != EINTR)
      return;
  }
}

/// A client left waiting would wake the loop without end.
void TcpRelay::refuse_one(int listener) {
  log_rarely(fmt::format("turning a client away: {} connections are open", connections_.size()));
  reserve_.reset();
  UniqueFd client(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (client)
    reset_on_close(client.get());
  else if (!would_block(errno))
    ::usleep(10'000);  // the host itself is out of descriptors or memory
  client.reset();
  reserve_ = UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void TcpRelay::begin(UniqueFd client, const Destination& destination) {
  UniqueFd guest = connect_to(destination, SOCK_STREAM);
  if (!guest) {
    log_rarely(fmt::format("cannot connect to {}: {}", destination.address.to_string(), errno_text(errno)));
    return reset_on_close(client.get());
  }
  set_up(client.get());
  set_up(guest.get());
  auto made =
      std::make_unique<TcpConnection>(std::move(client), std::move(guest), destination.address.to_string());
  TcpConnection& connection = *made;
  connections_.emplace(made.get(), std::move(made));
  attempts_.push_back({&connection, std::chrono::steady_clock::now() + connect_timeout});
  connection.client.watch.emplace(
      loop_, connection.client.socket.get(), 0,
      [this, &connection](std::uint32_t events) { on_event(connection, true, events); });
  connection.guest.watch.emplace(
      loop_, connection.guest.socket.get(), EPOLLOUT,
      [this, &connection](std::uint32_t events) { on_event(connection, false, events); });
}

void TcpRelay::on_event(TcpConnection& connection, bool from_client, std::uint32_t events) {
  const bool was_connected = connection.connected();
  const bool goes_on = connection.advance(from_client, events, buffer_);
  if (!was_connected)
    std::erase_if(attempts_, [&](const Attempt& attempt) { return attempt.connection == &connection; });
  if (!goes_on) connections_.erase(&connection);
}

void TcpRelay::tick() {
  const auto now = std::chrono::steady_clock::now();
  // Attempts are in the order of their deadlines.
  while (!attempts_.empty() && attempts_.front().deadline <= now) {
    const auto found = connections_.find(attempts_.front().connection);
    attempts_.erase(attempts_.begin());
    log_rarely("the guest does not answer");
    found->second->abort();
    connections_.erase(found);
  }
}

}  // namespace envtool::forward
