#pragma once

#include <cstdint>
#include <string>

/// The head of a qcow2 image of that size, which is all that is read of one here.
inline std::string qcow2_head(std::uint64_t capacity) {
  std::string head(4096, '\0');
  head.replace(0, 4, "QFI\xfb");
  head[7] = 3;  // version
  for (int i = 0; i < 8; ++i)
    head[24 + static_cast<std::size_t>(i)] = static_cast<char>(capacity >> (56 - 8 * i));
  return head;
}
