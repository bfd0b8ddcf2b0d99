#pragma once

#include <cstdint>
#include <string>

#include <fmt/format.h>

namespace envtool {

struct Qcow2Head {
  std::uint64_t size = 0;
  std::uint64_t backing = 0, incompatible = 0;
  std::uint32_t version = 3;
};

/// The header of a qcow2 image.
inline std::string qcow2_head(const Qcow2Head& head) {
  std::string bytes(1024, '\0');
  const auto put = [&bytes](std::size_t place, std::uint64_t value, int count) {
    for (int i = 0; i < count; ++i)
      bytes[place + static_cast<std::size_t>(i)] = static_cast<char>(value >> (8 * (count - 1 - i)) & 0xFF);
  };
  bytes.replace(0, 4, "QFI\xFB");
  put(4, head.version, 4);
  put(8, head.backing, 8);
  put(24, head.size, 8);
  put(72, head.incompatible, 8);
  return bytes;
}

/// A raw disk with a boot sector.
inline std::string raw_head(std::size_t size) {
  std::string bytes(size, '\0');
  bytes.replace(510, 2, "\x55\xAA");
  return bytes;
}

/// The beginning of a sparse vmdk whose descriptor names that extent.
inline std::string vmdk_head(const std::string& extent, std::uint64_t sectors) {
  std::string bytes(20 << 10, '\0');
  bytes.replace(0, 4, "KDMV");
  for (std::size_t i = 0; i < 8; ++i) bytes[12 + i] = static_cast<char>(sectors >> (8 * i) & 0xFF);
  const std::string text = fmt::format("# Disk DescriptorFile\nRW {} SPARSE \"{}\"\n", sectors, extent);
  bytes.replace(512, text.size(), text);
  return bytes;
}

}  // namespace envtool
