#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace envtool {

/// A number of bytes.
struct ByteSize {
  std::uint64_t bytes = 0;

  /// Reads "512M", "2GiB", "1.5 GB": a number and a unit B, K, M, G or T with optional i and B, in powers of
  /// 1024. Nothing for anything else, a bare number included.
  static std::optional<ByteSize> parse(std::string_view text);
  /// The shortest exact form ("2GiB"), or one decimal of the largest fitting unit ("1.3GiB").
  std::string to_string() const;
  auto operator<=>(const ByteSize&) const = default;
};

}  // namespace envtool
