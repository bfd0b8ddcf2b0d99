#include "base/tar.h"

#include <fmt/format.h>

#include "base/error.h"

namespace envtool {

namespace {

constexpr std::size_t longest_name = 100, longest_prefix = 155;
constexpr std::uint64_t first_large_size = 1ULL << 33;  // what eleven octal digits do not hold

/// The name in the header's two parts: what stands before a slash, and what behind it.
std::pair<std::string, std::string> split_name(const std::string& name) {
  if (name.size() <= longest_name) return {"", name};
  const std::size_t slash = name.find('/', name.size() - longest_name - 1);
  if (slash == std::string::npos || slash > longest_prefix)
    throw Error(ErrorKind::failed, fmt::format("'{}' is too long for a name in an archive", name));
  return {name.substr(0, slash), name.substr(slash + 1)};
}

}  // namespace

std::string tar_header(const TarEntry& entry) {
  std::string header(tar_block, '\0');
  const auto put = [&header](std::size_t place, const std::string& text) {
    header.replace(place, text.size(), text);
  };
  const auto [prefix, name] = split_name(entry.name);
  if (entry.link_to.size() > longest_name)
    throw Error(ErrorKind::failed, fmt::format("'{}' is too long for a link in an archive", entry.link_to));
  put(0, name);
  put(100, fmt::format("{:07o}", entry.mode));
  put(108, fmt::format("{:07o}", entry.uid));
  put(116, fmt::format("{:07o}", entry.gid));
  if (entry.size < first_large_size) {
    put(124, fmt::format("{:011o}", entry.size));
  } else {
    header[124] = '\x80';
    for (std::size_t i = 0; i < 8; ++i)
      header[128 + i] = static_cast<char>(entry.size >> (56 - 8 * i) & 0xFF);
  }
  put(136, fmt::format("{:011o}", entry.modified));
  put(148, "        ");
  header[156] = static_cast<char>(entry.kind);
  put(157, entry.link_to);
  put(257, std::string("ustar\00000", 8));
  put(345, prefix);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header;
}

std::string tar_padding(std::uint64_t size) {
  return std::string((tar_block - size % tar_block) % tar_block, '\0');
}

std::string tar_end() { return std::string(2 * tar_block, '\0'); }

}  // namespace envtool
