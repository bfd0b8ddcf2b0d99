#include "core/forwarder.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <thread>

#include "base/files.h"
#include "base/sockets.h"
#include "base/text.h"
#include "core/ports.h"
#include "tests/support/scripted_host.h"

using namespace envtool;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

namespace {

fs::path built_programs() {
  return fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "libexec/envtool";
}

bool becomes_true(const std::function<bool()>& condition) {
  for (const auto end = std::chrono::steady_clock::now() + 3s; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(2ms);
  }
  return false;
}

void set_timeout(int socket) {
  const timeval limit = {3, 0};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

UniqueFd open_client(std::uint16_t port, int type = SOCK_STREAM, const std::string& host = "127.0.0.1") {
  const SocketAddress address = *SocketAddress::parse(host, port);
  UniqueFd socket(::socket(address.family(), type | SOCK_CLOEXEC, 0));
  set_timeout(socket.get());
  if (::connect(socket.get(), address.get(), address.length()) != 0) socket.reset();
  return socket;
}

bool send_all(int socket, std::string_view data) {
  while (!data.empty()) {
    const ssize_t count = ::send(socket, data.data(), data.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    data.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

std::string receive_some(int socket) {
  char buffer[65536];
  const ssize_t count = ::recv(socket, buffer, sizeof buffer, 0);
  return std::string(buffer, count < 0 ? 0 : static_cast<std::size_t>(count));
}

std::string receive_to_end(int socket) {
  std::string all;
  for (std::string part = receive_some(socket); !part.empty(); part = receive_some(socket)) all += part;
  return all;
}

std::string ask(int socket, std::string_view question) {
  if (!send_all(socket, question)) return "(cannot send)";
  return receive_some(socket);
}

/// Stands for the guest: listens on a port of 127.0.0.2, and does with each connection what it is told.
class Guest {
 public:
  explicit Guest(std::function<void(int)> serve, int type = SOCK_STREAM)
      : socket_(listen_on(*SocketAddress::parse("127.0.0.2", 0), type)),
        thread_([this, serve = std::move(serve), type](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            pollfd waiting = {socket_.get(), POLLIN, 0};
            if (::poll(&waiting, 1, 5) <= 0) continue;
            if (type == SOCK_DGRAM) serve(socket_.get());
            if (type != SOCK_STREAM) continue;
            const UniqueFd client(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
            set_timeout(client.get());
            serve(client.get());
          }
        }) {}

  std::uint16_t port() const { return SocketAddress::of_socket(socket_.get()).port(); }

 private:
  UniqueFd socket_;
  std::jthread thread_;
};

void echo(int socket) {
  for (std::string part = receive_some(socket); !part.empty(); part = receive_some(socket))
    if (!send_all(socket, part)) return;
}

void echo_datagram(int socket) {
  char buffer[65536];
  sockaddr_storage from = {};
  socklen_t length = sizeof from;
  const ssize_t count =
      ::recvfrom(socket, buffer, sizeof buffer, 0, reinterpret_cast<sockaddr*>(&from), &length);
  if (count >= 0)
    ::sendto(socket, buffer, static_cast<std::size_t>(count), 0, reinterpret_cast<sockaddr*>(&from), length);
}

/// A machine's state directory, with the real program for a forwarder, which is stopped at the end.
struct Fixture {
  TemporaryDirectory directory;
  ScriptedHost scripted;
  SystemProcessRunner processes;
  Host host{processes, scripted.clock, scripted.reporter, {}, scripted.host.paths, "/"};
  Operation operation{host, "web"};
  Forwarders forwarders{host};

  Fixture() { host.paths.helper_programs = built_programs(); }
  ~Fixture() { forwarders.stop(directory.path()); }

  static std::uint16_t free_port(int type = SOCK_STREAM, const std::string& host = "127.0.0.1") {
    return SocketAddress::of_socket(listen_on(*SocketAddress::parse(host, 0), type).get()).port();
  }
  static Forward forward_to(std::uint16_t guest, Protocol protocol = Protocol::tcp) {
    return {"127.0.0.1", free_port(protocol == Protocol::udp ? SOCK_DGRAM : SOCK_STREAM), guest, protocol};
  }
  ForwarderRequest request(std::vector<Forward> forwards, int run_ended = -1) const {
    return {directory.path(), std::move(forwards), "127.0.0.2", "", "", run_ended};
  }
  void ensure(std::vector<Forward> forwards, int run_ended = -1) {
    forwarders.ensure(request(std::move(forwards), run_ended), operation);
  }
  std::string pid() const { return FileLock::holder_of(directory.path() / "forwarder.lock"); }
  bool is_active() const { return !forwarders.active(directory.path()).empty(); }
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 7919) >> 3);
  return bytes;
}

}  // namespace

TEST_CASE("a TCP connection to the host's port reaches the guest's") {
  Fixture fixture;
  const Guest guest(echo);
  const Forward forward = fixture.forward_to(guest.port());

  fixture.ensure({forward});

  const UniqueFd client = open_client(forward.host);
  CHECK(ask(client.get(), "hello") == "hello");
  CHECK(fixture.forwarders.active(fixture.directory.path()) == std::vector{forward});
}

TEST_CASE("where a command leads to the guest, each connection has one of its own") {
  Fixture fixture;
  const Forward forward = fixture.forward_to(80);
  ForwarderRequest request = fixture.request({forward});
  request.command = "sh -c 'read question; echo %h %p $question'";

  fixture.forwarders.ensure(request, fixture.operation);

  for (const char* question : {"one", "two"}) {
    const UniqueFd client = open_client(forward.host);
    send_all(client.get(), std::string(question) + "\n");
    CHECK(receive_to_end(client.get()) == fmt::format("127.0.0.2 80 {}\n", question));
  }
}

TEST_CASE("a client that has sent all still gets the answer") {
  Fixture fixture;
  const Guest guest([](int socket) {
    const std::string question = receive_some(socket);
    char byte;
    const bool ended = ::recv(socket, &byte, 1, 0) == 0;
    send_all(socket, ended ? question + " was heard to its end" : "it never ended");
  });
  const Forward forward = fixture.forward_to(guest.port());
  fixture.ensure({forward});

  const UniqueFd client = open_client(forward.host);
  send_all(client.get(), "question");
  ::shutdown(client.get(), SHUT_WR);

  CHECK(receive_to_end(client.get()) == "question was heard to its end");
}

TEST_CASE("a guest that has sent all still hears the client") {
  Fixture fixture;
  std::string heard;
  std::atomic<bool> is_over = false;
  {
    const Guest guest([&](int socket) {
      send_all(socket, "banner");
      ::shutdown(socket, SHUT_WR);
      heard = receive_to_end(socket);
      is_over = true;
    });
    const Forward forward = fixture.forward_to(guest.port());
    fixture.ensure({forward});

    const UniqueFd client = open_client(forward.host);
    const std::string banner = receive_to_end(client.get());
    send_all(client.get(), "last words");
    ::shutdown(client.get(), SHUT_WR);
    receive_to_end(client.get());

    CHECK(banner == "banner");
    CHECK(becomes_true([&] { return is_over.load(); }));
  }
  CHECK(heard == "last words");
}

TEST_CASE("a large transfer to a slow reader arrives whole") {
  Fixture fixture;
  const std::string sent = pattern(32 << 20);
  const Guest guest([&](int socket) { send_all(socket, sent); });
  const Forward forward = fixture.forward_to(guest.port());
  fixture.ensure({forward});

  const UniqueFd client = open_client(forward.host);
  std::this_thread::sleep_for(30ms);
  const std::string received = receive_to_end(client.get());

  CHECK(received.size() == sent.size());
  CHECK(received == sent);
}

TEST_CASE("a client of a port where the guest listens to nobody is reset") {
  Fixture fixture;
  const Forward forward = fixture.forward_to(1);
  fixture.ensure({forward});

  const UniqueFd client = open_client(forward.host);
  char byte;
  const ssize_t count = ::recv(client.get(), &byte, 1, 0);

  CHECK(count == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("a guest that is not behind its device is not connected to") {
  Fixture fixture;
  const Guest guest(echo);
  const Forward forward = fixture.forward_to(guest.port());
  ForwarderRequest request = fixture.request({forward});

  request.device = "lo";
  fixture.forwarders.ensure(request, fixture.operation);
  CHECK(ask(open_client(forward.host).get(), "hello") == "hello");

  request.device = "nosuchdevice";
  fixture.forwarders.ensure(request, fixture.operation);
  CHECK(ask(open_client(forward.host).get(), "hello") != "hello");
}

TEST_CASE("datagrams reach the guest and the answers their own clients") {
  Fixture fixture;
  const Guest guest(echo_datagram, SOCK_DGRAM);
  const Forward forward = fixture.forward_to(guest.port(), Protocol::udp);
  fixture.ensure({forward});

  const UniqueFd first = open_client(forward.host, SOCK_DGRAM),
                 second = open_client(forward.host, SOCK_DGRAM);
  send_all(first.get(), "one");
  send_all(second.get(), "two");

  CHECK(receive_some(second.get()) == "two");
  CHECK(receive_some(first.get()) == "one");
}

TEST_CASE("an IPv6 port of the host leads to an IPv4 guest") {
  Fixture fixture;
  const Guest guest(echo);
  if (!listen_on(*SocketAddress::parse("::1", 0), SOCK_STREAM)) return;  // a host without IPv6
  const Forward forward = {"[::1]", fixture.free_port(SOCK_STREAM, "::1"), guest.port()};

  fixture.ensure({forward});

  CHECK(ask(open_client(forward.host, SOCK_STREAM, "::1").get(), "hello") == "hello");
}

TEST_CASE("hundreds of connections are carried at once") {
  Fixture fixture;
  const Guest guest([](int socket) { send_all(socket, "served"); });
  const Forward forward = fixture.forward_to(guest.port());
  fixture.ensure({forward});

  std::vector<UniqueFd> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(open_client(forward.host));
  const auto served = std::count_if(clients.begin(), clients.end(), [](const UniqueFd& client) {
    return receive_to_end(client.get()) == "served";
  });

  CHECK(served == 300);
}

TEST_CASE("the forwarder ends with the machine's run") {
  Fixture fixture;
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd run_ended(ends[0]);
  UniqueFd run(ends[1]);
  fixture.ensure({fixture.forward_to(80)}, run_ended.get());
  CHECK(fixture.is_active());

  CHECK(::write(run.get(), "x", 1) == 1);

  CHECK(becomes_true([&] { return !fixture.is_active(); }));
  CHECK(!fs::exists(fixture.directory.path() / "forwarder.json"));
}

TEST_CASE("the same forwards for the same run are left alone") {
  Fixture fixture;
  const Forward forward = fixture.forward_to(80);
  fixture.ensure({forward});
  const auto written = fs::last_write_time(fixture.directory.path() / "forwarder.json");
  fixture.host.paths.helper_programs = "/nonexistent";

  fixture.ensure({forward});

  CHECK(fs::last_write_time(fixture.directory.path() / "forwarder.json") == written);
}

TEST_CASE("a change keeps the connections of ports that stay") {
  Fixture fixture;
  const Guest guest(echo), other_guest(echo);
  const Forward stays = fixture.forward_to(guest.port()), goes = fixture.forward_to(guest.port());
  fixture.ensure({stays, goes});
  const UniqueFd client = open_client(stays.host);
  CHECK(ask(client.get(), "before") == "before");
  const std::string pid = fixture.pid();

  const Forward comes = fixture.forward_to(other_guest.port());
  fixture.ensure({stays, comes});

  CHECK(ask(client.get(), "after") == "after");
  CHECK(ask(open_client(comes.host).get(), "new") == "new");
  CHECK(!open_client(goes.host));
  CHECK(fixture.forwarders.active(fixture.directory.path()) == std::vector{stays, comes});
  CHECK(fixture.pid() == pid);
}

TEST_CASE("a changed guest port takes effect for new connections") {
  Fixture fixture;
  const Guest first([](int socket) { send_all(socket, "first"); }),
      second([](int socket) { send_all(socket, "second"); });
  Forward forward = fixture.forward_to(first.port());
  fixture.ensure({forward});
  CHECK(receive_to_end(open_client(forward.host).get()) == "first");

  forward.guest = second.port();
  fixture.ensure({forward});

  CHECK(receive_to_end(open_client(forward.host).get()) == "second");
}

TEST_CASE("a new run's end ends a forwarder that was handed over to it") {
  Fixture fixture;
  int first[2], second[2];
  REQUIRE(::pipe2(first, O_CLOEXEC) == 0);
  REQUIRE(::pipe2(second, O_CLOEXEC) == 0);
  const UniqueFd first_ended(first[0]), first_run(first[1]), second_ended(second[0]);
  UniqueFd second_run(second[1]);
  const Forward forward = fixture.forward_to(80);
  fixture.ensure({forward}, first_ended.get());
  fixture.ensure({forward}, second_ended.get());
  CHECK(fixture.is_active());

  second_run.reset();

  CHECK(becomes_true([&] { return !fixture.is_active(); }));
}

TEST_CASE("a port that another program holds is refused, and what was served stays served") {
  Fixture fixture;
  const Guest guest(echo);
  const Forward served = fixture.forward_to(guest.port());
  fixture.ensure({served});
  const UniqueFd other = listen_on(*SocketAddress::parse("127.0.0.1", 0), SOCK_STREAM);
  const Forward taken = {"127.0.0.1", SocketAddress::of_socket(other.get()).port(), 80};

  std::string message;
  try {
    fixture.ensure({served, taken});
  } catch (const Error& error) {
    message = error.what();
  }

  CHECK(message == fmt::format("127.0.0.1:{} is used by 'test_core' (pid {})", taken.host, ::getpid()));
  CHECK(ask(open_client(served.host).get(), "still here") == "still here");
}

TEST_CASE("no forwards stop the forwarder, and stopping none is nothing") {
  Fixture fixture;
  const Forward forward = fixture.forward_to(80);
  fixture.ensure({forward});

  fixture.ensure({});

  CHECK(!fixture.is_active());
  CHECK(!open_client(forward.host));
  fixture.forwarders.stop(fixture.directory.path());
}

TEST_CASE("files that a forwarder left at the host's last run are not a forwarder") {
  Fixture fixture;
  const Forward forward = fixture.forward_to(80);
  write_file(fixture.directory.path() / "forwarder.lock", "1");
  write_file(fixture.directory.path() / "forwarder.json",
             to_json(Value::map({{"forwards", forwards_to_value({forward})}, {"guest", "127.0.0.2"}})));

  CHECK(!fixture.is_active());
  fixture.ensure({forward});
  CHECK(fixture.is_active());
  CHECK(fixture.pid() != "1");
}

TEST_CASE("a killed forwarder is replaced") {
  Fixture fixture;
  const Guest guest(echo);
  const Forward forward = fixture.forward_to(guest.port());
  fixture.ensure({forward});
  ::kill(std::stoi(fixture.pid()), SIGKILL);
  CHECK(becomes_true([&] { return !fixture.is_active(); }));

  fixture.ensure({forward});

  CHECK(ask(open_client(forward.host).get(), "back") == "back");
}

TEST_CASE("the forwarder keeps nothing of its starter open") {
  Fixture fixture;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);  // without CLOEXEC, as a shell's pipe to `tee` is
  const UniqueFd read_end(ends[0]);
  UniqueFd write_end(ends[1]);
  fixture.ensure({fixture.forward_to(80)});

  write_end.reset();

  char byte;
  pollfd waiting = {read_end.get(), POLLIN, 0};
  CHECK(::poll(&waiting, 1, 1000) == 1);
  CHECK(::read(read_end.get(), &byte, 1) == 0);
}
