#include "providers/lxc/parts/export_stream.h"

namespace envtool::lxc {

std::string FrameHeader::bytes() const {
  std::string bytes(1, mark);
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift & 0xFF);
  return bytes;
}

std::optional<FrameHeader> FrameHeader::parse(std::string_view bytes) {
  if (bytes.size() != length || bytes.front() != mark) return std::nullopt;
  FrameHeader header;
  for (std::size_t i = 0; i < 4; ++i)
    header.size |= std::uint32_t{static_cast<unsigned char>(bytes[i + 1])} << (8 * i);
  return header.size <= largest_frame ? std::optional(header) : std::nullopt;
}

void FrameReader::add(std::string_view bytes, const std::function<void(std::string_view)>& take) {
  while (!bytes.empty()) {
    if (left_ > 0) {
      const std::string_view data = bytes.substr(0, left_);
      take(data);
      left_ -= static_cast<std::uint32_t>(data.size());
      bytes.remove_prefix(data.size());
      continue;
    }
    const bool is_frame = !header_.empty() || bytes.front() == FrameHeader::mark;
    if (!answer_.empty() || !is_frame) {
      answer_ += bytes;
      return;
    }
    const std::string_view part = bytes.substr(0, FrameHeader::length - header_.size());
    header_ += part;
    bytes.remove_prefix(part.size());
    if (header_.size() < FrameHeader::length) return;
    left_ = FrameHeader::parse(header_).value_or(FrameHeader{}).size;
    header_.clear();
  }
}

}  // namespace envtool::lxc
