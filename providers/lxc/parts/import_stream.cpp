#include "providers/lxc/parts/import_stream.h"

#include <fmt/format.h>

#include <charconv>

#include "providers/lxc/parts/layout.h"

namespace envtool::lxc {

namespace {

/// Takes a number and the blank after it off the line.
template <class Number>
bool take_number(std::string_view& line, Number& number) {
  const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (code != std::errc() || end == line.data() + line.size() || *end != ' ') return false;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()) + 1);
  return true;
}

}  // namespace

std::string FrameHeader::bytes() const {
  std::string bytes(1, static_cast<char>(kind));
  for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(size >> shift & 0xFF);
  return bytes;
}

std::optional<FrameHeader> FrameHeader::parse(std::string_view bytes) {
  const auto kind = static_cast<Kind>(bytes.front());
  if (bytes.size() != length || (kind != Kind::data && kind != Kind::end)) return std::nullopt;
  FrameHeader header{kind, 0};
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
    const bool is_frame = !header_.empty() || bytes.front() == static_cast<char>(FrameHeader::Kind::data);
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

std::string known_file_line(std::string_view path, const KnownFile& file) {
  if (path.find('\n') != std::string_view::npos) return {};
  return fmt::format("{} {} {} {}\n", file.sha256, file.size, file.modified, path);
}

std::optional<std::pair<std::string, KnownFile>> parse_known_file(std::string_view line) {
  KnownFile file;
  file.sha256 = line.substr(0, line.find(' '));
  if (!is_digest(file.sha256) || line.size() == file.sha256.size()) return std::nullopt;
  line.remove_prefix(file.sha256.size() + 1);
  if (!take_number(line, file.size) || !take_number(line, file.modified) || line.empty()) return std::nullopt;
  return std::pair(std::string(line), file);
}

}  // namespace envtool::lxc
