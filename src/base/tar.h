#pragma once

#include <cstdint>
#include <string>

/// Tar archives written by hand, where an entry's place or its neighbours are not a library's to know.
/// Format: ustar, POSIX.1-1988.
namespace envtool {

inline constexpr std::size_t tar_block = 512;

struct TarEntry {
  enum class Kind : char { file = '0', link = '2', directory = '5' };
  std::string name;
  Kind kind = Kind::file;
  unsigned mode = 0644;
  std::uint32_t uid = 0, gid = 0;  ///< up to 2097151
  std::uint64_t size = 0;          ///< of the content that follows; one of 8 GiB and more as GNU's tar has it
  std::int64_t modified = 0;       ///< seconds since the epoch, not before it
  std::string link_to = {};        ///< of a symbolic link: at most 100 bytes
};

/// The block before the content. Throws Error(failed) for a name that does not fit.
std::string tar_header(const TarEntry& entry);

/// What fills the last block of a content of that size.
std::string tar_padding(std::uint64_t size);

/// What stands behind the last entry.
std::string tar_end();

}  // namespace envtool
