#include "core/ports.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "base/files.h"
#include "base/sockets.h"
#include "tests/support/scripted_host.h"

using namespace envtool;

namespace {

/// Ports that nobody of this host used a moment ago, in a row.
std::uint16_t free_row(unsigned count) {
  for (unsigned first = 21000; first < 29000; first += 50) {
    bool free = true;
    for (unsigned port = first; port < first + count && free; ++port)
      free = listen_on(*SocketAddress::parse("127.0.0.1", static_cast<std::uint16_t>(port)), SOCK_STREAM) &&
             listen_on(*SocketAddress::parse("127.0.0.1", static_cast<std::uint16_t>(port)), SOCK_DGRAM);
    if (free) return static_cast<std::uint16_t>(first);
  }
  FAIL("this host has no free ports");
  return 0;
}

/// A user's state with the environments `shop` and `blog`, and four free ports `first` and above.
struct Book {
  TemporaryDirectory directory;
  ScriptedHost host;
  PortBook book{host.host};
  std::uint16_t first = free_row(4);

  Book() {
    host.host.paths.state = directory.path();
    for (const char* name : {"shop", "blog"})
      write_file(directory.path() / name / "project.json",
                 fmt::format(R"({{"name": "the {}", "path": "/src/{}"}})", name, name));
  }

  std::uint16_t port(unsigned offset) const { return static_cast<std::uint16_t>(first + offset); }
  PortConfig range(unsigned from, unsigned to, std::uint16_t guest = 80) const {
    return {.host = PortRange{port(from), port(to)}, .guest = guest};
  }
  PortConfig fixed(unsigned offset, std::uint16_t guest = 80) const { return range(offset, offset, guest); }
  Forward forward(unsigned offset, std::uint16_t guest = 80) const {
    return {"127.0.0.1", port(offset), guest};
  }
  UniqueFd occupy(unsigned offset, const std::string& address = "127.0.0.1", int type = SOCK_STREAM) const {
    return listen_on(*SocketAddress::parse(address, port(offset)), type);
  }
  std::vector<Forward> choose(const std::vector<PortConfig>& wanted, const std::vector<Forward>& kept = {},
                              const std::vector<Forward>& mine = {}) {
    return book.choose("shop", "web", wanted, kept, mine);
  }
  Error refusal(const std::vector<PortConfig>& wanted) {
    try {
      choose(wanted);
    } catch (const Error& error) {
      return error;
    }
    FAIL("was not refused");
    return {ErrorKind::failed, ""};
  }
  /// A machine of the blog's that has chosen the port, by an envtool that has ended.
  void put_by(unsigned offset) const {
    write_file(
        directory.path() / "ports.json",
        fmt::format(R"({{"machines": [{{"environment": "blog", "machine": "db", "process": "1:0", "forwards":
                 [{{"bind": "127.0.0.1", "host": {}, "guest": 1, "protocol": "tcp"}}]}}]}})",
                    port(offset)));
  }
};

}  // namespace

TEST_CASE("a single host port is taken as it is") {
  Book book;

  CHECK(book.choose({book.fixed(1)}) == std::vector{book.forward(1)});
}

TEST_CASE("of a range the first free port is taken") {
  Book book;
  const UniqueFd other = book.occupy(0);

  CHECK(book.choose({book.range(0, 3)}) == std::vector{book.forward(1)});
}

TEST_CASE("a port of the range that was chosen before is kept") {
  Book book;

  CHECK(book.choose({book.range(0, 3)}, {book.forward(2)}) == std::vector{book.forward(2)});
}

TEST_CASE("a kept port that is no longer in the range is chosen anew") {
  Book book;

  CHECK(book.choose({book.range(0, 1)}, {book.forward(3)}) == std::vector{book.forward(0)});
}

TEST_CASE("a guest port alone gets any free port, and the same one the next time") {
  Book book;

  const std::vector<Forward> chosen = book.choose({{.guest = 5432}});

  CHECK(chosen.at(0).host >= 20000);
  CHECK(chosen.at(0).host < 30000);
  CHECK(book.choose({{.guest = 5432}}, chosen) == chosen);
}

TEST_CASE("a range leaves the single ports of the same machine alone") {
  Book book;

  const auto chosen = book.choose({book.range(0, 3, 443), book.fixed(0, 80)});

  CHECK(chosen == std::vector{book.forward(1, 443), book.forward(0, 80)});
}

TEST_CASE("a taken port is refused with its holder, its place and a way out") {
  Book book;
  const UniqueFd other = book.occupy(1);
  PortConfig wanted = book.fixed(1);
  wanted.position = {std::make_shared<SourceText>(SourceText{"Envfile", "ports:\n"}), 1, 1};

  const Error error = book.refusal({wanted});

  CHECK(error.what() ==
        fmt::format("127.0.0.1:{} is used by 'test_core' (pid {})", book.port(1), ::getpid()));
  CHECK(error.hint() ==
        fmt::format("choose another host port, or a range: '{}-{}:80'", book.port(1), book.port(1) + 9));
  CHECK(port_refused({"127.0.0.1", 5300, 53, Protocol::udp}, EADDRINUSE).hint() ==
        "choose another host port, or a range: '5300-5309:53/udp'");
  CHECK(port_refused({"::1", 65535, 80, Protocol::tcp}, EADDRINUSE).hint() ==
        "choose another host port, or a range: '[::1]:65526-65535:80'");
  CHECK(error.diagnostics().front().position.line == 1);
}

TEST_CASE("the holder of all addresses is found too, by UDP as well") {
  Book book;
  const UniqueFd everywhere = book.occupy(0, "0.0.0.0", SOCK_DGRAM);
  PortConfig wanted = book.fixed(0);
  wanted.protocol = Protocol::udp;

  const Error error = book.refusal({wanted});

  CHECK(error.what() ==
        fmt::format("127.0.0.1:{}/udp is used by 'test_core' (pid {})", book.port(0), ::getpid()));
}

TEST_CASE("the same port number serves TCP and UDP") {
  Book book;
  PortConfig udp = book.fixed(0);
  udp.protocol = Protocol::udp;

  CHECK(book.choose({book.fixed(0), udp}).at(1).host == book.port(0));
}

TEST_CASE("a full range is refused as a whole") {
  Book book;
  const UniqueFd first = book.occupy(0), second = book.occupy(1);

  const Error error = book.refusal({book.range(0, 1)});

  CHECK(error.what() ==
        fmt::format("none of the ports {} to {} of 127.0.0.1 is free", book.port(0), book.port(1)));
}

TEST_CASE("an address that the host does not have is refused as such") {
  Book book;
  PortConfig wanted = book.range(0, 3);
  wanted.bind = "192.0.2.1";

  const Error error = book.refusal({wanted});

  CHECK(error.what() ==
        fmt::format("cannot listen on 192.0.2.1:{}: this host has no such address", book.port(0)));
}

TEST_CASE("ports that the machine's own forwarder holds are free for it") {
  Book book;
  const UniqueFd own = book.occupy(0);

  CHECK(book.choose({book.fixed(0)}, {}, {book.forward(0)}) == std::vector{book.forward(0)});
}

TEST_CASE("a port that another running envtool has just chosen is refused, naming the machine") {
  Book book;
  book.book.choose("blog", "db", {book.fixed(0)}, {}, {});

  const Error error = book.refusal({book.fixed(0)});

  CHECK(error.what() ==
        fmt::format("127.0.0.1:{} is forwarded by machine 'db' of project 'the blog' (/src/blog)",
                    book.port(0)));
}

TEST_CASE("two machines that choose from one range get different ports") {
  Book book;
  const auto db = book.book.choose("blog", "db", {book.range(0, 3)}, {}, {});

  CHECK(db == std::vector{book.forward(0)});
  CHECK(book.choose({book.range(0, 3)}) == std::vector{book.forward(1)});
}

TEST_CASE("a port put by for a machine that does not run is taken only when no other will do") {
  Book book;
  book.put_by(0);

  CHECK(book.choose({book.range(0, 1)}) == std::vector{book.forward(1)});
  book.put_by(0);
  CHECK(book.choose({book.range(0, 0)}) == std::vector{book.forward(0)});
  book.put_by(0);
  const UniqueFd other = book.occupy(1);
  CHECK(book.choose({book.range(0, 1)}) == std::vector{book.forward(0)});
}

TEST_CASE("what a released machine had chosen is free for others") {
  Book book;
  book.book.choose("blog", "db", {book.fixed(0)}, {}, {});

  book.book.release("blog", "db");

  CHECK(book.choose({book.fixed(0)}) == std::vector{book.forward(0)});
}

TEST_CASE("with an environment goes all that its machines had chosen") {
  Book book;
  book.choose({book.fixed(0)});
  book.book.choose("blog", "web", {book.fixed(1)}, {}, {});

  book.book.release("shop");

  CHECK(book.book.choose("blog", "db", {book.fixed(0)}, {}, {}) == std::vector{book.forward(0)});
  CHECK(read_file(book.directory.path() / "ports.json").find("shop") == std::string::npos);
}

TEST_CASE("what environments that are gone had chosen is dropped") {
  Book book;
  book.book.choose("blog", "db", {book.fixed(0)}, {}, {});
  remove_tree(book.directory.path() / "blog");

  CHECK(book.choose({book.fixed(0)}) == std::vector{book.forward(0)});
  CHECK(read_file(book.directory.path() / "ports.json").find("blog") == std::string::npos);
}

TEST_CASE("a damaged port book is begun anew") {
  Book book;
  write_file(book.directory.path() / "ports.json", "{\"machines\": [{");

  CHECK(book.choose({book.fixed(0)}) == std::vector{book.forward(0)});
}

TEST_CASE("a port that only root may bind is refused with both ways out") {
  const Error error = port_refused({"127.0.0.1", 80, 80}, EACCES);

  CHECK(std::string(error.what()) == "only root may listen on 127.0.0.1:80");
  CHECK(error.hint() ==
        "choose a host port of 1024 or above, or allow this one with "
        "'sudo sysctl net.ipv4.ip_unprivileged_port_start=80'");
}
