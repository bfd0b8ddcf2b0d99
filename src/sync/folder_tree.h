#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sync/exclude.h"

/// What a copy of a folder without rsync has to do: values to values.
namespace envtool {

/// One thing in a folder, here or in the guest, as far as a copy can tell two apart.
struct FolderEntry {
  enum class Kind { file, directory, link, other, excluded };
  Kind kind = Kind::file;
  unsigned mode = 0;           ///< the lower twelve bits
  std::uint64_t size = 0;      ///< of a file
  std::uint32_t modified = 0;  ///< seconds since the epoch, which is all that SFTP has
  std::uint32_t user = 0, group = 0;
  std::string target = {};  ///< of a link
  bool operator==(const FolderEntry&) const = default;
};

/// By paths relative to the top, which is "" itself; a directory comes before what is in it. Of what is
/// excluded only the uppermost directory is there.
using FolderTree = std::map<std::string, FolderEntry>;

/// That of the host, whose owners are left out. What vanishes meanwhile is not there. Throws Error(failed)
/// for a directory that cannot be read.
FolderTree read_folder(const std::filesystem::path& top, const ExcludePatterns& exclude);

/// `parent/name`, or the name alone at the top.
std::string path_below(const std::string& parent, const std::string& name);

/// In the order in which it is to be done.
struct FolderPlan {
  std::vector<std::string> removed_files;        ///< or links
  std::vector<std::string> removed_directories;  ///< those inside of others first
  std::vector<std::string> new_directories;
  std::vector<std::string> links, files;
  std::vector<std::string> attributes;  ///< files that differ in owner or mode only
  std::vector<std::string> link_owners;
  /// Owner, mode and time to be set at the end, as all of the above changes times; those inside first.
  std::vector<std::string> directories;
  std::vector<std::string> skipped;  ///< neither file, directory nor link
  std::vector<std::string> blocked;  ///< not directories here, but there, with something excluded inside

  bool operator==(const FolderPlan&) const = default;
};

/// What makes the guest's folder like the host's, all of it owned by those two. A file counts as the same by
/// its size and time. What is excluded stays on both sides, with the directories that it lies in.
FolderPlan plan_folder(const FolderTree& host, const FolderTree& guest, std::uint32_t user,
                       std::uint32_t group);

}  // namespace envtool
