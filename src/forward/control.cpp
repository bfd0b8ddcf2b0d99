#include "forward/control.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace envtool::forward {

namespace {

constexpr std::size_t largest_message = 192 << 10;
constexpr timeval patience = {2, 0};
constexpr const char* name = "forwarder.sock";

/// The directory's path may be longer than a socket's address can be.
struct Address {
  UniqueFd directory;
  sockaddr_un address = {};

  explicit Address(const std::filesystem::path& path)
      : directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address.sun_family = AF_UNIX;
    const std::string text = fmt::format("/proc/self/fd/{}/{}", directory.get(), name);
    std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

UniqueFd new_socket() { return UniqueFd(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)); }

union Ancillary {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

}  // namespace

UniqueFd listen_for_successors(const std::filesystem::path& directory) {
  UniqueFd socket = new_socket();
  const Address address(directory);
  ::unlink((directory / name).c_str());
  const mode_t old = ::umask(0077);
  const bool bound = ::bind(socket.get(), address.get(), sizeof address.address) == 0;
  const int number = errno;
  ::umask(old);
  if (!bound || ::listen(socket.get(), 4) != 0)
    throw Error(ErrorKind::failed,
                fmt::format("cannot listen on '{}': {}", (directory / name).string(), errno_text(number)));
  return socket;
}

UniqueFd connect_to_running(const std::filesystem::path& directory) {
  UniqueFd socket = new_socket();
  const Address address(directory);
  if (::connect(socket.get(), address.get(), sizeof address.address) != 0) socket.reset();
  return socket;
}

bool send_message(int socket, std::string_view text, int descriptor) {
  iovec content = {const_cast<char*>(text.data()), text.size()};
  Ancillary ancillary = {};
  msghdr message = {};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  if (descriptor >= 0) {
    message.msg_control = &ancillary;
    message.msg_controllen = sizeof ancillary.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
  }
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  return ::sendmsg(socket, &message, MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

Message receive_message(int socket) {
  Message received;
  received.text.resize(largest_message);
  iovec content = {received.text.data(), received.text.size()};
  Ancillary ancillary = {};
  msghdr message = {};
  message.msg_iov = &content;
  message.msg_iovlen = 1;
  message.msg_control = &ancillary;
  message.msg_controllen = sizeof ancillary.bytes;
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  const ssize_t count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  received.text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  const cmsghdr* header = count < 0 ? nullptr : CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS && header->cmsg_len == CMSG_LEN(sizeof(int))) {
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    received.descriptor = UniqueFd(descriptor);
  }
  return received;
}

}  // namespace envtool::forward
