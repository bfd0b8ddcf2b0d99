#pragma once

#include <future>
#include <optional>

#include "base/files.h"
#include "core/rootfs.h"
#include "providers/lxc/helper_client.h"
#include "providers/lxc/parts/tree_channel.h"

namespace envtool::lxc {

/// Sends a root file system to the helper's `import` while it comes. A sink that is destroyed before it is
/// published closes the channel, and the helper removes what it had.
class HelperSink : public RootfsSink {
 public:
  /// The client and the operation must live as long as this.
  HelperSink(const HelperClient& client, Value request, Operation& operation);
  ~HelperSink() override;

  void add(const TreeEntry& entry) override;
  void write(std::string_view bytes) override;
  void skip(std::uint64_t size) override;
  std::string publish(const std::string& digest, Operation& operation) override;

 private:
  template <class Work>
  void send(const Work& work);

  UniqueFd socket_;
  std::optional<TreeSender> sender_;
  std::future<Value> answer_;
};

}  // namespace envtool::lxc
