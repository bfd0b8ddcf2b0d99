#include "providers/lxc/parts/tree_channel.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <future>
#include <map>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

using Kind = TreeMessage::Kind;

struct Sockets {
  UniqueFd sender, receiver;
  Sockets() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    sender = UniqueFd(ends[0]);
    receiver = UniqueFd(ends[1]);
  }
};

struct Received {
  std::map<std::string, std::string> files;  ///< with holes as zeros
  std::vector<Kind> kinds;
  std::string end;
};

/// Takes messages until the end.
Received receive_all(int socket) {
  TreeReceiver receiver(socket);
  Received received;
  std::string buffer, path;
  while (true) {
    const TreeMessage message = receiver.next(buffer);
    received.kinds.push_back(message.kind);
    if (message.kind == Kind::end) {
      received.end = message.text;
      return received;
    }
    if (message.kind == Kind::entries || message.kind == Kind::open) {
      EntryReader entries(message.text, message.content);
      while (const auto item = entries.next()) received.files[path = item->entry.path] = item->content;
    } else if (message.kind == Kind::hole) {
      received.files[path].append(number_in(message.text), '\0');
    } else {
      received.files[path] += message.content;
    }
    receiver.release(message);
  }
}

/// What one side sends, as the other gets it.
template <class Work>
Received receive(const Work& work) {
  const Sockets sockets;
  std::future<Received> received =
      std::async(std::launch::async, [&sockets] { return receive_all(sockets.receiver.get()); });
  TreeSender sender(sockets.sender.get());
  work(sender);
  sender.finish("over");
  return received.get();
}

std::string noise(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>((i * i * 2654435761U) >> 13);
  return text;
}

UniqueFd memory_of(std::size_t size, int seals) {
  UniqueFd memory(::memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  REQUIRE(::ftruncate(memory.get(), static_cast<off_t>(size)) == 0);
  REQUIRE(::fcntl(memory.get(), F_ADD_SEALS, seals) == 0);
  return memory;
}

}  // namespace

TEST_CASE("small files come together") {
  const Received received = receive([](TreeSender& sender) {
    sender.add({.kind = TreeEntry::Kind::directory, .path = "d"});
    sender.add({.path = "d/a", .size = 3});
    sender.write("on");
    sender.write("e");
    sender.add({.path = "d/empty"});
    sender.add({.path = "d/b", .size = 3});
    sender.write("two");
  });

  CHECK(received.kinds == std::vector<Kind>{Kind::entries, Kind::end});
  CHECK(received.end == "over");
  CHECK(received.files ==
        std::map<std::string, std::string>{{"d", ""}, {"d/a", "one"}, {"d/empty", ""}, {"d/b", "two"}});
}

TEST_CASE(
    "a file that does not fit into what is left begins a slot, and one larger than that comes in parts") {
  const std::string most = noise(SharedSlots::slot_size - 10), large = noise(3 * SharedSlots::slot_size + 7);
  const Received received = receive([&](TreeSender& sender) {
    sender.add({.path = "a", .size = 20});
    sender.write(std::string(20, 'a'));
    sender.add({.path = "most", .size = most.size()});
    sender.write(most);
    sender.add({.path = "large", .size = large.size()});
    sender.write(large);
    sender.add({.path = "z", .size = 1});
    sender.write("z");
  });

  CHECK(received.kinds == std::vector<Kind>{Kind::entries, Kind::entries, Kind::open, Kind::piece,
                                            Kind::piece, Kind::last, Kind::entries, Kind::end});
  CHECK(received.files.at("a") == std::string(20, 'a'));
  CHECK(received.files.at("most") == most);
  CHECK(received.files.at("large") == large);
  CHECK(received.files.at("z") == "z");
}

TEST_CASE("a file whose size was not promised comes whole, too") {
  const std::string large = noise(SharedSlots::slot_size + 1);
  const Received received = receive([&](TreeSender& sender) {
    sender.add({.path = "a"});
    sender.write("a");
    sender.add({.path = "large"});
    sender.write(large);
  });

  CHECK(received.kinds == std::vector<Kind>{Kind::open, Kind::last, Kind::end});
  CHECK(received.files.at("a") == "a");
  CHECK(received.files.at("large") == large);
}

TEST_CASE("holes come as such") {
  const Received received = receive([](TreeSender& sender) {
    sender.add({.path = "sparse"});
    sender.skip(5);
    sender.write("x");
    sender.skip(2);
    sender.skip(0);
    sender.add({.path = "next"});
    sender.write("n");
  });

  CHECK(received.files.at("sparse") == std::string("\0\0\0\0\0x\0\0", 8));
  CHECK(received.files.at("next") == "n");
}

TEST_CASE("more than the slots hold waits until one is free again") {
  const std::string much = noise(2 * SharedSlots::count * SharedSlots::slot_size);

  CHECK(receive([&](TreeSender& sender) {
          sender.add({.path = "much"});
          sender.write(much);
        }).files.at("much") == much);
}

TEST_CASE("very many entries are no message that is too large") {
  const Received received = receive([](TreeSender& sender) {
    for (int i = 0; i < 5000; ++i)
      sender.add({.kind = TreeEntry::Kind::symlink, .path = std::to_string(i), .target = "somewhere"});
  });

  CHECK(received.files.size() == 5000);
  CHECK(received.kinds.size() > 5);
}

TEST_CASE("an entry that no message holds is refused by name") {
  const Sockets sockets;
  TreeSender sender(sockets.sender.get());

  CHECK_THROWS_WITH(sender.add({.path = "a", .attributes = {{"user.x", std::string(100 << 10, 'x')}}}),
                    "'a' has too long a name or too large attributes");
}

TEST_CASE("a side that is gone is noticed") {
  Sockets sockets;
  TreeSender sender(sockets.sender.get());
  SUBCASE("while it sends") {
    sockets.receiver.reset();
    CHECK_THROWS_AS(sender.finish("over"), Error);
  }
  SUBCASE("while it receives") {
    const TreeReceiver receiver(sockets.receiver.get());
    sockets.sender.reset();
    std::string buffer;
    CHECK_THROWS_WITH(receiver.next(buffer), "the box broke off while it came");
  }
}

TEST_CASE("memory that may shrink, or has another size, is not shared") {
  constexpr std::size_t size = SharedSlots::count * SharedSlots::slot_size;
  CHECK_THROWS_AS(SharedSlots(memory_of(size, F_SEAL_GROW)), Error);
  CHECK_THROWS_AS(SharedSlots(memory_of(size - 1, F_SEAL_SHRINK)), Error);
  CHECK_THROWS_AS(SharedSlots(UniqueFd(::open("/dev/zero", O_RDWR | O_CLOEXEC))), Error);
  const SharedSlots shared(memory_of(size, F_SEAL_SHRINK));
  CHECK(*shared.slot(SharedSlots::count - 1) == '\0');
}

TEST_CASE("a message that means memory beyond what is shared is refused") {
  const Sockets sockets;
  const TreeSender sender(sockets.sender.get());
  const TreeReceiver receiver(sockets.receiver.get());
  const auto refuses = [&](const std::string& message) {
    REQUIRE(::send(sockets.sender.get(), message.data(), message.size(), 0) > 0);
    std::string buffer;
    try {
      receiver.next(buffer);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::usage;
    }
  };

  CHECK(refuses("n"));
  CHECK(refuses("n\x08" + number_bytes(1, 4)));
  CHECK(refuses("n\x07" + number_bytes(SharedSlots::slot_size + 1, 4)));
  CHECK_FALSE(refuses("n\x07" + number_bytes(SharedSlots::slot_size, 4)));
  CHECK_FALSE(refuses("n\xff" + number_bytes(5, 4)));
}
