#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

/// How a root file system goes through a pipe: in frames, a kind and a length before each. To the helper,
/// whose request is an argument then, on standard input, where without the last one the box is dropped; from
/// the helper on standard output, before its answer.
namespace envtool::lxc {

struct FrameHeader {
  enum class Kind : char { data = 'd', end = 'e' };
  static constexpr std::size_t length = 5;

  Kind kind = Kind::data;
  std::uint32_t size = 0;  ///< of what follows

  std::string bytes() const;
  /// Nothing for what is none. `bytes` has `length` of them.
  static std::optional<FrameHeader> parse(std::string_view bytes);
};

inline constexpr std::uint32_t largest_frame = 1 << 30;

/// Takes frames of data out of what the helper writes, which comes in pieces.
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

/// What is known of a file whose bytes came: a line of the last frame, whose first is the box's digest.
struct KnownFile {
  std::uint64_t size = 0;
  std::int64_t modified = 0;
  std::string sha256;
};

/// "sha256 size modified path\n"; empty for a path with a line break, which is then not known.
std::string known_file_line(std::string_view path, const KnownFile& file);
/// The path is what remains of the line. Nothing for a line that is not like that.
std::optional<std::pair<std::string, KnownFile>> parse_known_file(std::string_view line);

}  // namespace envtool::lxc
