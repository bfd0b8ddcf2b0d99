#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/tree_entry.h"

/// The entries of a tree as bytes. The contents of files are kept apart, one behind the other.
namespace envtool::lxc {

/// A number, the lowest byte first.
std::string number_bytes(std::uint64_t number, std::size_t size);
std::uint64_t number_in(std::string_view bytes);

/// Its last bytes are the size of its content, for which `content_size_length` bytes of zero stand there.
std::string entry_bytes(const TreeEntry& entry);
inline constexpr std::size_t content_size_length = 4;

/// Takes entries out of what somebody sent whom root does not trust: paths are plain, so that none leads
/// outside by its name.
class EntryReader {
 public:
  /// Both must live as long as what is read.
  EntryReader(std::string_view entries, std::string_view contents) : entries_(entries), contents_(contents) {}

  struct Item {
    TreeEntry entry;
    std::string_view content;  ///< of a file
  };
  /// Nothing at the end. Throws Error(usage) for what is no entry.
  std::optional<Item> next();

 private:
  std::uint64_t number(std::size_t size);
  std::string_view text();

  std::string_view entries_, contents_;
};

}  // namespace envtool::lxc
