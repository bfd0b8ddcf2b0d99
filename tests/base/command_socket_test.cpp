#include "base/command_socket.h"

#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

using namespace envtool;

namespace {

/// What comes until the other end closes.
std::string read_all(const UniqueFd& socket) {
  std::string text;
  for (;;) {
    pollfd entry{socket.get(), POLLIN, 0};
    char buffer[256];
    if (::poll(&entry, 1, 10'000) <= 0) return text + " (nothing more came)";
    const ssize_t count = ::recv(socket.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
  }
}

}  // namespace

TEST_CASE("host and port are filled in, and nothing else of a command is changed") {
  CHECK(fill_in_command("ssh -W %h:%p me@there", "10.0.0.2", 22) == "ssh -W 10.0.0.2:22 me@there");
  CHECK(fill_in_command("a '%%x' 100% %q", "h", 1) == "a '%x' 100% %q");
}

TEST_CASE("a command's standard streams are the other end of a socket") {
  const UniqueFd socket = connect_by_command("sh -c 'echo %h %p; cat'", "there", 80);

  REQUIRE(socket);
  REQUIRE(::send(socket.get(), "and back", 8, 0) == 8);
  ::shutdown(socket.get(), SHUT_WR);
  CHECK(read_all(socket) == "there 80\nand back");
}

TEST_CASE("a command that is not there is a connection that ends at once") {
  const UniqueFd socket = connect_by_command("/nowhere/program", "there", 80);

  REQUIRE(socket);
  CHECK(read_all(socket).empty());
}

TEST_CASE("what a command says beside the connection can be kept") {
  const UniqueFd messages(::memfd_create("messages", MFD_CLOEXEC));
  const UniqueFd socket = connect_by_command("sh -c 'echo denied >&2'", "there", 80, messages.get());
  REQUIRE(socket);
  REQUIRE(read_all(socket).empty());

  char text[16] = {};
  CHECK(::pread(messages.get(), text, sizeof text - 1, 0) == 7);
  CHECK(std::string(text) == "denied\n");
}
