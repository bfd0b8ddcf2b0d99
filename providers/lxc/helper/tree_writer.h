#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "base/tree_entry.h"
#include "providers/lxc/helper/manifest.h"

/// A tree of files that is made below a directory and never leaves it: nothing is written through a link,
/// whatever the entries say.
namespace envtool::lxc {

/// Thrown where the disk, or what somebody may have of it, is full.
struct NoRoom {
  std::string path;  ///< of the file that was written
};

/// What several writers share. While it lives, the process's umask is 0.
class NewTree {
 public:
  enum class Devices { made, left_out };
  /// `top` is an empty directory, which belongs to this process alone until `finish`.
  NewTree(const std::filesystem::path& top, Devices devices);
  ~NewTree();
  NewTree(const NewTree&) = delete;
  NewTree& operator=(const NewTree&) = delete;

  /// What can only be done when everything else is there, and nobody writes any more: hard links, then what
  /// directories have of their own. Gives what came to lie in the tree. Throws NoRoom, or Error(failed)
  /// naming the file.
  Manifest finish();

 private:
  friend class TreeWriter;
  /// The directory that a path lies in; with those above it, it is made where it is missing.
  UniqueFd open_parent(const std::string& path);
  void keep(const TreeEntry& entry);
  void note(const std::string& path, const struct stat& facts, std::string_view detail, bool is_bare);
  void make_links();

  UniqueFd top_;
  Devices devices_;
  mode_t mask_;  ///< as it was
  std::mutex mutex_;
  std::map<std::string, TreeEntry> directories_;
  std::vector<TreeEntry> links_;
  Manifest manifest_;
};

/// Writes entries into a tree, on one thread. All throw NoRoom, or Error(failed) naming the file.
class TreeWriter {
 public:
  explicit TreeWriter(NewTree& tree) : tree_(tree) {}

  /// A whole entry. REQUIRES: a directory is written before anybody writes what is in it.
  void write(const TreeEntry& entry, std::string_view content);

  /// A file in parts.
  void begin(const TreeEntry& entry);
  void add(std::string_view bytes);
  void skip(std::uint64_t size);
  void end();

 private:
  int parent_of(const std::string& path);
  void make_special(const TreeEntry& entry);
  void make_directory(const TreeEntry& entry);

  NewTree& tree_;
  std::string parent_path_;  ///< the last one
  UniqueFd parent_;
  TreeEntry entry_;  ///< the file that is written
  UniqueFd file_;
  std::uint64_t size_ = 0;
  Checksum checksum_;
};

}  // namespace envtool::lxc
