#include "providers/lxc/parts/tree_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace envtool::lxc {

namespace {

using Kind = TreeMessage::Kind;

constexpr std::size_t memory_size = SharedSlots::count * SharedSlots::slot_size;
constexpr std::size_t head_size = 6;  ///< kind, slot and the size of what is in it
constexpr char no_slot = static_cast<char>(0xFF);
constexpr std::size_t enough_text = 32 << 10;    ///< is sent
constexpr std::size_t largest_text = 128 << 10;  ///< what a socket takes at once, and some

[[noreturn]] void fail_system(std::string_view what) {
  throw Error(ErrorKind::failed, fmt::format("cannot {}: {}", what, errno_text(errno)));
}

[[noreturn]] void refuse(std::string_view what) {
  throw Error(ErrorKind::usage, fmt::format("the stream of the box {}", what));
}

template <class Call>
ssize_t retry(const Call& call) {
  ssize_t count;
  do count = call();
  while (count < 0 && errno == EINTR);
  return count;
}

/// A message that may carry a descriptor.
struct Packet {
  iovec parts[2] = {};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header = {};

  explicit Packet(std::size_t count) { header.msg_iov = parts, header.msg_iovlen = count; }
  cmsghdr* make_room_for_descriptor() {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    return CMSG_FIRSTHDR(&header);
  }
};

void send_memory(int socket, int memory) {
  Packet packet(1);
  char byte = 0;
  packet.parts[0] = {&byte, 1};
  cmsghdr* descriptor = packet.make_room_for_descriptor();
  descriptor->cmsg_level = SOL_SOCKET;
  descriptor->cmsg_type = SCM_RIGHTS;
  descriptor->cmsg_len = CMSG_LEN(sizeof memory);
  std::memcpy(CMSG_DATA(descriptor), &memory, sizeof memory);
  if (retry([&] { return ::sendmsg(socket, &packet.header, MSG_NOSIGNAL); }) < 0) throw ChannelBroken();
}

UniqueFd receive_memory(int socket) {
  Packet packet(1);
  char byte = 0;
  packet.parts[0] = {&byte, 1};
  packet.make_room_for_descriptor();
  const ssize_t count = retry([&] { return ::recvmsg(socket, &packet.header, MSG_CMSG_CLOEXEC); });
  if (count < 0 && errno == ENOTSOCK)
    throw Error(ErrorKind::host_not_ready,
                "sudo records what 'envtool-lxc' is given, so that no box gets to it")
        .with_hint("have sudo leave it out, by '!log_input' for that command in /etc/sudoers.d");
  const cmsghdr* descriptor = CMSG_FIRSTHDR(&packet.header);
  if (count < 0 || descriptor == nullptr || descriptor->cmsg_type != SCM_RIGHTS ||
      descriptor->cmsg_len != CMSG_LEN(sizeof(int)))
    refuse("begins without memory to share");
  int memory = -1;
  std::memcpy(&memory, CMSG_DATA(descriptor), sizeof memory);
  return UniqueFd(memory);
}

}  // namespace

SharedSlots::SharedSlots() : memory_(::memfd_create("envtool-tree", MFD_CLOEXEC | MFD_ALLOW_SEALING)) {
  if (!memory_ || ::ftruncate(memory_.get(), memory_size) != 0 ||
      ::fcntl(memory_.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
    fail_system("make memory to share");
  map(PROT_READ | PROT_WRITE);
}

SharedSlots::SharedSlots(UniqueFd memory) : memory_(std::move(memory)) {
  struct stat facts {};
  const int seals = ::fcntl(memory_.get(), F_GET_SEALS);
  // Reading what was taken away would end this process.
  if (seals < 0 || (seals & F_SEAL_SHRINK) == 0 || ::fstat(memory_.get(), &facts) != 0 ||
      static_cast<std::size_t>(facts.st_size) != memory_size)
    refuse("comes with memory that may shrink");
  map(PROT_READ);
}

void SharedSlots::map(int protection) {
  void* bytes = ::mmap(nullptr, memory_size, protection, MAP_SHARED, memory_.get(), 0);
  if (bytes == MAP_FAILED) fail_system("map memory to share");
  bytes_ = static_cast<char*>(bytes);
}

SharedSlots::~SharedSlots() { ::munmap(bytes_, memory_size); }

TreeSender::TreeSender(int socket) : socket_(socket) {
  for (std::uint8_t slot = 0; slot < SharedSlots::count; ++slot) free_.push_back(slot);
  send_memory(socket_, slots_.memory());
}

void TreeSender::add(const TreeEntry& entry) {
  end_file();
  const std::string bytes = entry_bytes(entry);
  if (bytes.size() > largest_text - enough_text)
    throw Error(ErrorKind::failed,
                fmt::format("'{}' has too long a name or too large attributes", entry.path.substr(0, 200)));
  const bool has_room = entry.size <= SharedSlots::slot_size - used_ && text_.size() < enough_text;
  if (!has_room && !text_.empty()) send(Kind::entries);
  text_ += bytes;
  begin_ = used_;
}

void TreeSender::end_file() {
  if (std::exchange(is_open_, false))
    send(Kind::last);
  else
    note_size();
}

/// Of the last entry's content, which is the end of what is in the slot.
void TreeSender::note_size() {
  if (text_.empty()) return;
  const std::string size = number_bytes(used_ - begin_, content_size_length);
  text_.replace(text_.size() - size.size(), size.size(), size);
}

/// What there is, of a file of which more comes.
void TreeSender::send_part() {
  if (is_open_) return send(Kind::piece);
  note_size();
  send(Kind::open);
  is_open_ = true;
}

void TreeSender::write(std::string_view bytes) {
  while (!bytes.empty()) {
    if (used_ == SharedSlots::slot_size) send_part();
    if (!slot_) find_slot();
    const std::size_t size = std::min(bytes.size(), SharedSlots::slot_size - used_);
    std::memcpy(slots_.slot(*slot_) + used_, bytes.data(), size);
    used_ += size;
    bytes.remove_prefix(size);
  }
}

void TreeSender::skip(std::uint64_t size) {
  if (size == 0) return;
  send_part();
  text_ = number_bytes(size, 8);
  send(Kind::hole);
}

void TreeSender::finish(std::string_view text) {
  end_file();
  if (!text_.empty()) send(Kind::entries);
  text_ = text;
  send(Kind::end);
}

void TreeSender::send(Kind kind) {
  std::string head(1, static_cast<char>(kind));
  head += slot_ ? static_cast<char>(*slot_) : no_slot;
  head += number_bytes(used_, 4);
  Packet packet(2);
  packet.parts[0] = {head.data(), head.size()};
  packet.parts[1] = {text_.data(), text_.size()};
  if (retry([&] { return ::sendmsg(socket_, &packet.header, MSG_NOSIGNAL); }) < 0) throw ChannelBroken();
  slot_.reset();
  used_ = 0;
  text_.clear();
}

void TreeSender::find_slot() {
  if (free_.empty()) {
    std::uint8_t number = 0;
    const ssize_t count = retry([&] { return ::recv(socket_, &number, 1, 0); });
    if (count <= 0) throw ChannelBroken();
    free_.push_back(number % SharedSlots::count);
  }
  slot_ = free_.back();
  free_.pop_back();
}

TreeReceiver::TreeReceiver(int socket) : socket_(socket), slots_(receive_memory(socket)) {}

TreeMessage TreeReceiver::next(std::string& buffer) const {
  buffer.resize(head_size + largest_text);
  const ssize_t count = retry([&] { return ::recv(socket_, buffer.data(), buffer.size(), MSG_TRUNC); });
  if (count <= 0) throw Error(ErrorKind::failed, "the box broke off while it came");
  const std::size_t size = static_cast<std::size_t>(count);
  if (size < head_size || size > buffer.size()) refuse("has a message of a wrong size");
  const std::string_view bytes = std::string_view(buffer).substr(0, size);
  TreeMessage message{.kind = static_cast<Kind>(bytes[0]), .text = bytes.substr(head_size), .content = {}};
  if (bytes[1] == no_slot) return message;
  message.slot = static_cast<unsigned char>(bytes[1]);
  const std::uint64_t content = number_in(bytes.substr(2, 4));
  if (message.slot >= static_cast<int>(SharedSlots::count) || content > SharedSlots::slot_size)
    refuse("means memory that is not shared");
  message.content = {slots_.slot(static_cast<std::size_t>(message.slot)), content};
  return message;
}

void TreeReceiver::release(const TreeMessage& message) const {
  if (message.slot < 0) return;
  const auto number = static_cast<std::uint8_t>(message.slot);
  // Where nobody waits for it any more, the next message says so.
  retry([&] { return ::send(socket_, &number, 1, MSG_NOSIGNAL); });
}

void TreeReceiver::close() const { ::shutdown(socket_, SHUT_RDWR); }

}  // namespace envtool::lxc
