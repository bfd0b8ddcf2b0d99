#pragma once

#include <deque>
#include <functional>
#include <future>
#include <string>
#include <string_view>

namespace envtool {

/// Compresses a stream by gzip on all processors: in members of a mebibyte, one behind the other, which
/// readers of gzip take for one (RFC 1952, 2.2). Errors are Error(failed), or what the sink throws.
class GzipStream {
 public:
  using Sink = std::function<void(std::string_view)>;

  /// The sink is called by whoever calls `add` and `finish`.
  explicit GzipStream(Sink sink);

  void add(std::string_view bytes);
  /// Gives what is left; without it the stream is not whole.
  void finish();

 private:
  void begin_member();
  void take_member();

  Sink sink_;
  std::string block_;
  std::deque<std::future<std::string>> members_;  ///< in the order of the stream
};

}  // namespace envtool
