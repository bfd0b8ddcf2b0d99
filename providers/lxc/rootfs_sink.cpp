#include "providers/lxc/rootfs_sink.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

namespace envtool::lxc {

HelperSink::HelperSink(const HelperClient& client, Value request, Operation& operation) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make a pair of sockets: {}", errno_text(errno)));
  socket_ = UniqueFd(ends[0]);
  answer_ =
      std::async(std::launch::async, [&client, request = std::move(request), &operation, end = ends[1]] {
        const UniqueFd output(end);  // with it gone, a helper that ended early breaks the channel
        return client.import(request, output.get(), operation);
      });
  send([this] { sender_.emplace(socket_.get()); });
}

HelperSink::~HelperSink() {
  socket_.reset();
  if (!answer_.valid()) return;
  try {
    answer_.get();
  } catch (...) {  // it was given up, for a reason that is on its way already
  }
}

/// Where the helper does not read on, its answer says why.
template <class Work>
void HelperSink::send(const Work& work) {
  try {
    work();
  } catch (const ChannelBroken&) {
    socket_.reset();
    if (answer_.valid()) answer_.get();
    throw;
  }
}

void HelperSink::add(const TreeEntry& entry) {
  send([&] { sender_->add(entry); });
}

void HelperSink::write(std::string_view bytes) {
  send([&] { sender_->write(bytes); });
}

void HelperSink::skip(std::uint64_t size) {
  send([&] { sender_->skip(size); });
}

std::string HelperSink::publish(const std::string& digest, Operation& operation) {
  operation.check_stop();
  // The socket stays open: closed with messages in it, it would lose those that are on their way.
  send([&] { sender_->finish(digest); });
  return answer_.get()["manifest"].as_text();
}

}  // namespace envtool::lxc
