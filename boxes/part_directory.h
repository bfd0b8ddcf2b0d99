#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace envtool {

/// What names of boxes in the making begin with.
inline constexpr std::string_view part_prefix = ".part-";

/// Removes a tree of ours, but never one in which something is mounted: as root that would go on into the
/// host's own /dev or /proc. Such a tree stays until it is unmounted.
void remove_unmounted(const std::filesystem::path& path);

/// Where a box is made, under the lock of its work: what a killed process left there is removed, and so is
/// what is not published.
class PartDirectory {
 public:
  PartDirectory(const std::filesystem::path& store, const std::string& work);
  ~PartDirectory() { remove_unmounted(path_); }
  PartDirectory(const PartDirectory&) = delete;
  PartDirectory& operator=(const PartDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  /// Puts it in its place, safely on disk; where there is one already, it takes that one's place at once.
  void publish(const std::filesystem::path& place) const;

 private:
  std::filesystem::path path_;
};

}  // namespace envtool
