#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace envtool {

/// One of the things that a tree of files is made of, without the content of a file.
struct TreeEntry {
  enum class Kind : char {
    file = 'f',
    directory = 'd',
    symlink = 'l',
    hard_link = 'h',
    device = 'c',  ///< a character device
    fifo = 'p'
  };
  Kind kind = Kind::file;
  std::string path;                ///< relative to the top, in plain parts
  unsigned mode = 0644;            ///< the lower twelve bits
  std::uint32_t uid = 0, gid = 0;  ///< -1 is none
  std::int64_t modified = 0;       ///< seconds since the epoch
  std::uint32_t nanoseconds = 0;   ///< after them
  std::uint64_t size = 0;          ///< of a file, as it is promised; what then comes counts
  std::string target = {};         ///< of a symbolic link, as it is written; of a hard link, a path as above
  std::uint32_t major = 0, minor = 0;                                ///< of a device
  std::vector<std::pair<std::string, std::string>> attributes = {};  ///< extended ones: name and value
};

}  // namespace envtool
