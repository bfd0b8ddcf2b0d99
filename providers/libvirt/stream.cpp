#include "providers/libvirt/stream.h"

namespace envtool::libvirt {

namespace {

/// Aborts what was not finished.
class Transfer {
 public:
  explicit Transfer(const Connection& connection) : stream_(api().virStreamNew(connection.get(), 0)) {
    if (!stream_) fail("open a stream to libvirt");
  }
  ~Transfer() {
    if (!finished_) api().virStreamAbort(get());
  }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  virStreamPtr get() const { return stream_.get(); }
  void send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const int count = api().virStreamSend(get(), bytes.data(), bytes.size());
      if (count < 0) fail("write a volume");
      bytes.remove_prefix(static_cast<std::size_t>(count));
    }
  }
  void finish() {
    finished_ = true;
    if (api().virStreamFinish(get()) != 0) fail("end a transfer of a volume");
  }

 private:
  Stream stream_;
  bool finished_ = false;
};

}  // namespace

void upload(const Connection& connection, const Volume& volume, std::uint64_t size,
            const std::function<std::string_view()>& next) {
  Transfer transfer(connection);
  if (api().virStorageVolUpload(volume.get(), transfer.get(), 0, size, 0) != 0) fail("write a volume");
  for (std::string_view chunk = next(); !chunk.empty(); chunk = next()) transfer.send(chunk);
  transfer.finish();
}

void download(const Connection& connection, const Volume& volume, std::uint64_t offset,
              const std::function<void(std::string_view)>& take) {
  Transfer transfer(connection);
  if (api().virStorageVolDownload(volume.get(), transfer.get(), offset, 0, 0) != 0) fail("read a volume");
  std::string buffer(256 << 10, '\0');
  for (;;) {
    const int count = api().virStreamRecv(transfer.get(), buffer.data(), buffer.size());
    if (count < 0) fail("read a volume");
    if (count == 0) break;
    take({buffer.data(), static_cast<std::size_t>(count)});
  }
  transfer.finish();
}

std::string download(const Connection& connection, const Volume& volume, std::uint64_t offset) {
  std::string content;
  download(connection, volume, offset, [&](std::string_view bytes) { content += bytes; });
  return content;
}

}  // namespace envtool::libvirt
