#pragma once

#include <sys/stat.h>

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace envtool::lxc {

/// Lies beside a box's unpacked root file system.
inline constexpr const char* manifest_file = "manifest";
inline constexpr std::size_t largest_manifest = 1 << 30;

using ManifestLines = std::map<std::string, std::string>;  ///< by name, without it

/// A line for everything below a tree: its name, kind, what it holds (a file's size and checksum, a link's
/// target, a device's numbers), mode, owner, group and extended attributes. Times are no part of it, so that
/// one box has one manifest. Paths are relative to the tree. It tells what was damaged or changed by mistake:
/// who may write the box may write its manifest.
class Manifest {
 public:
  explicit Manifest(std::filesystem::path tree) : tree_(std::move(tree)) {}

  /// Takes down what was just made: `facts` are its own, and `detail` is a file's checksum, a link's target
  /// or empty. Where it is known to have no attributes, none are looked for.
  void add(const std::string& path, const struct stat& facts, std::string_view detail, bool is_bare);
  /// Takes down another name for what was added.
  void add_link(const std::string& path, const std::string& target);
  /// Looks at what may have changed or be gone.
  void look_again(const std::string& path);
  /// Sorted.
  std::string text() const;

 private:
  std::filesystem::path tree_;
  ManifestLines lines_;
};

/// The text of the manifest of a tree, all of which is read.
std::string manifest_of(const std::filesystem::path& tree);

/// What the first difference between two manifests is, in words; empty when there is none.
std::string manifest_difference(const std::string& then, const std::string& now);

}  // namespace envtool::lxc
