#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "core/operation.h"

namespace envtool {

/// Bytes that come in order and once.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// The next bytes; none at the end. They stay where they are until the next call.
  virtual std::string_view read(Operation& operation) = 0;
  /// How many there are in all; 0 while that is not known.
  virtual std::uint64_t size() const = 0;
};

/// What a server says of a file, to tell later whether it is still that one without fetching it.
struct WebStamp {
  std::string etag;        ///< without a mark of weakness; empty: it names none
  std::string modified;    ///< Last-Modified as it came; empty: it names none
  std::uint64_t size = 0;  ///< 0: it does not say

  /// Nothing where the two do not say enough.
  std::optional<bool> is_same(const WebStamp& other) const;
};

/// The bytes of a box file.
class BoxFile : public ByteSource {
 public:
  /// SHA-256 of all that was read, in hexadecimal; once, at the end.
  virtual std::string digest() = 0;
  /// Where it can be read back and forth too; empty when it only comes.
  virtual std::filesystem::path path() const { return {}; }
  /// Of a server's file, when its first bytes have come.
  virtual WebStamp stamp() const { return {}; }
};

}  // namespace envtool
