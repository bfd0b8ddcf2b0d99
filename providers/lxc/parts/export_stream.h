#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// How the tar of a root file system comes from the helper, on standard output before its answer: in frames,
/// a mark and a length before each.
namespace envtool::lxc {

struct FrameHeader {
  static constexpr std::size_t length = 5;
  static constexpr char mark = 'd';

  std::uint32_t size = 0;  ///< of what follows

  std::string bytes() const;
  /// Nothing for what is none. `bytes` has `length` of them.
  static std::optional<FrameHeader> parse(std::string_view bytes);
};

inline constexpr std::uint32_t largest_frame = 1 << 30;

/// Takes the frames out of what the helper writes, which comes in pieces.
class FrameReader {
 public:
  /// Gives the data on.
  void add(std::string_view bytes, const std::function<void(std::string_view)>& take);
  /// What came behind the last frame.
  const std::string& answer() const { return answer_; }

 private:
  std::string header_;
  std::uint32_t left_ = 0;  ///< of the frame's data
  std::string answer_;
};

}  // namespace envtool::lxc
