#pragma once

#include <future>

#include "base/files.h"
#include "core/rootfs.h"
#include "providers/lxc/helper_client.h"

namespace envtool::lxc {

/// Sends a root file system to the helper's `import` while it comes. A sink that is destroyed before it is
/// published closes the stream, and the helper removes what it had.
class HelperSink : public RootfsSink {
 public:
  /// The client and the operation must live as long as this.
  HelperSink(const HelperClient& client, Value request, Operation& operation);
  ~HelperSink() override;

  void write(std::string_view bytes, Operation& operation) override;
  void note_file(const RootfsFile& file) override;
  std::string publish(const std::string& digest, Operation& operation) override;

 private:
  void send(std::string_view bytes);

  UniqueFd input_;
  std::future<Value> answer_;
  std::string files_;
};

}  // namespace envtool::lxc
