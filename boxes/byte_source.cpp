#include "boxes/byte_source.h"

namespace envtool {

std::optional<bool> WebStamp::is_same(const WebStamp& other) const {
  if (size > 0 && other.size > 0 && size != other.size) return false;
  if (!etag.empty() && !other.etag.empty()) return etag == other.etag;
  if (modified.empty() || other.modified.empty()) return std::nullopt;
  return modified == other.modified;
}

}  // namespace envtool
