#pragma once

#include <cstdint>
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

}  // namespace envtool
