#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

/// How a root file system comes to the helper: the request is an argument, and on standard input there are
/// frames, a kind and a length before each. Without the last one the box is dropped.
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
