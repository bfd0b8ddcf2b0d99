#pragma once

#include <cstdint>
#include <filesystem>
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

/// The bytes of a box file.
class BoxFile : public ByteSource {
 public:
  /// SHA-256 of all that was read, in hexadecimal; once, at the end.
  virtual std::string digest() = 0;
  /// Where it can be read back and forth too; empty when it only comes.
  virtual std::filesystem::path path() const { return {}; }
};

}  // namespace envtool
