#include "providers/lxc/rootfs_sink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "providers/lxc/parts/import_stream.h"

namespace envtool::lxc {

namespace {

constexpr int pipe_size = 1 << 20;

}  // namespace

HelperSink::HelperSink(const HelperClient& client, Value request, Operation& operation) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make a pipe: {}", errno_text(errno)));
  input_ = UniqueFd(ends[1]);
  ::fcntl(ends[1], F_SETPIPE_SZ, pipe_size);
  answer_ =
      std::async(std::launch::async, [&client, request = std::move(request), &operation, end = ends[0]] {
        const UniqueFd output(end);  // with it gone, a helper that ended early breaks the pipe
        return client.import(request, output.get(), operation);
      });
}

HelperSink::~HelperSink() {
  input_.reset();
  if (!answer_.valid()) return;
  try {
    answer_.get();
  } catch (...) {  // it was given up, for a reason that is on its way already
  }
}

void HelperSink::write(std::string_view bytes, Operation& operation) {
  operation.check_stop();
  send(FrameHeader{FrameHeader::Kind::data, static_cast<std::uint32_t>(bytes.size())}.bytes());
  send(bytes);
}

void HelperSink::note_file(const RootfsFile& file) {
  files_ += known_file_line(file.path, {file.size, file.modified, file.sha256});
}

std::string HelperSink::publish(const std::string& digest, Operation& operation) {
  operation.check_stop();
  const std::string last = digest + "\n" + files_;
  send(FrameHeader{FrameHeader::Kind::end, static_cast<std::uint32_t>(last.size())}.bytes());
  send(last);
  input_.reset();
  return answer_.get()["manifest"].as_text();
}

/// Where the helper does not read on, its answer says why.
void HelperSink::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(input_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) {
      input_.reset();
      if (answer_.valid()) answer_.get();
      throw Error(ErrorKind::failed, "the root file system could not be given to 'envtool-lxc'");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace envtool::lxc
