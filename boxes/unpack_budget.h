#pragma once

#include <cstdint>
#include <filesystem>

namespace envtool {

/// Keeps an archive that unpacks to far more than it is from filling the disk.
class UnpackBudget {
 public:
  /// Counts an entry. Throws Error(failed) when there are too many.
  void add_entry();
  /// Counts bytes of files, holes too. Throws Error(failed) when they are out of proportion to the packed
  /// bytes read so far.
  void add_bytes(std::uint64_t bytes, std::uint64_t packed);

  std::uint64_t entries() const { return entries_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  std::uint64_t entries_ = 0, bytes_ = 0;
};

/// Throws Error(failed) when the directory's file system has no room for so many bytes.
void check_room(const std::filesystem::path& directory, std::uint64_t bytes);

}  // namespace envtool
