#include "sync/folder_tree.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <memory>
#include <set>

#include "base/error.h"
#include "base/files.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

using Kind = FolderEntry::Kind;

Kind kind_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return Kind::file;
    case S_IFDIR:
      return Kind::directory;
    case S_IFLNK:
      return Kind::link;
    default:
      return Kind::other;
  }
}

std::string target_of(const fs::path& link) {
  std::array<char, 4096> text;
  const ssize_t size = ::readlink(link.c_str(), text.data(), text.size());
  return size > 0 ? std::string(text.data(), static_cast<std::size_t>(size)) : std::string();
}

FolderEntry entry_of(const fs::path& path, const struct stat& facts) {
  FolderEntry entry{.kind = kind_of(facts.st_mode), .mode = facts.st_mode & 07777U};
  entry.modified = static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(facts.st_mtim.tv_sec, 0, std::numeric_limits<std::uint32_t>::max()));
  if (entry.kind == Kind::file) entry.size = static_cast<std::uint64_t>(facts.st_size);
  if (entry.kind == Kind::link) entry.target = target_of(path);
  return entry;
}

std::vector<std::string> names_in(const fs::path& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> opened(::opendir(directory.c_str()), ::closedir);
  if (!opened && errno != ENOENT)
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", directory.string(), errno_text(errno)))
        .with_hint("let your user read it, or 'exclude' it");
  std::vector<std::string> names;
  while (const dirent* entry = opened ? ::readdir(opened.get()) : nullptr)
    if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
  return names;
}

void read_into(FolderTree& tree, const fs::path& top, const std::string& below,
               const ExcludePatterns& exclude) {
  for (const std::string& name : names_in(top / below)) {
    const std::string relative = path_below(below, name);
    struct stat facts {};
    if (::lstat((top / relative).c_str(), &facts) != 0) continue;
    const bool is_directory = S_ISDIR(facts.st_mode);
    if (exclude.contain(relative, is_directory)) continue;
    tree[relative] = entry_of(top / relative, facts);
    if (is_directory) read_into(tree, top, relative, exclude);
  }
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

/// Directories with something excluded in them.
std::set<std::string> holders(const FolderTree& guest) {
  std::set<std::string> found;
  for (const auto& [path, entry] : guest)
    for (std::string at = path; entry.kind == Kind::excluded && !at.empty();)
      found.insert(at = parent_of(at));
  return found;
}

class Planner {
 public:
  Planner(const FolderTree& host, const FolderTree& guest, std::uint32_t user, std::uint32_t group)
      : host_(host), guest_(guest), user_(user), group_(group) {}

  FolderPlan plan() {
    const std::set<std::string> held = holders(guest_);
    for (auto at = guest_.rbegin(); at != guest_.rend(); ++at) remove(at->first, at->second, held);
    for (const auto& [path, entry] : host_)
      if (!is_blocked(path)) bring(path, entry);
    for (auto at = host_.rbegin(); at != host_.rend(); ++at)
      if (at->second.kind == Kind::directory && !is_blocked(at->first) &&
          (changed_.contains(at->first) || differs(at->first, at->second)))
        plan_.directories.push_back(at->first);
    return std::move(plan_);
  }

 private:
  const FolderEntry* of_guest(const std::string& path) const {
    const auto found = guest_.find(path);
    return found == guest_.end() ? nullptr : &found->second;
  }

  void remove(const std::string& path, const FolderEntry& entry, const std::set<std::string>& held) {
    const auto here = host_.find(path);
    if (entry.kind == Kind::excluded) {
      if (here != host_.end()) plan_.blocked.push_back(path);
      return;
    }
    const bool is_directory = entry.kind == Kind::directory;
    // A file that takes the place of another, or of a link, does so by a rename.
    if (here != host_.end() && here->second.kind != Kind::other &&
        (here->second.kind == Kind::directory) == is_directory)
      return;
    if (is_directory && held.contains(path)) {
      if (here != host_.end()) plan_.blocked.push_back(path);
      return;
    }
    (is_directory ? plan_.removed_directories : plan_.removed_files).push_back(path);
    changed_.insert(parent_of(path));
  }

  bool is_blocked(const std::string& path) const {
    return std::ranges::find(plan_.blocked, path) != plan_.blocked.end();
  }

  bool is_others(const FolderEntry& there) const { return there.user != user_ || there.group != group_; }

  bool differs(const std::string& path, const FolderEntry& here) const {
    const FolderEntry* const there = of_guest(path);
    return there == nullptr || there->kind != here.kind || there->mode != here.mode || is_others(*there) ||
           (here.kind == Kind::directory && there->modified != here.modified);
  }

  void bring(const std::string& path, const FolderEntry& here) {
    const FolderEntry* const there = of_guest(path);
    const bool is_new = there == nullptr || there->kind != here.kind;
    std::vector<std::string>* list = nullptr;
    switch (here.kind) {
      case Kind::directory:
        if (is_new) list = &plan_.new_directories;
        break;
      case Kind::link:
        if (is_new || there->target != here.target)
          list = &plan_.links;
        else if (is_others(*there))
          plan_.link_owners.push_back(path);
        break;
      case Kind::file:
        if (is_new || there->size != here.size || there->modified != here.modified)
          list = &plan_.files;
        else if (differs(path, here))
          plan_.attributes.push_back(path);
        break;
      default:
        plan_.skipped.push_back(path);
    }
    if (list == nullptr) return;
    list->push_back(path);
    if (!path.empty()) changed_.insert(parent_of(path));
  }

  const FolderTree& host_;
  const FolderTree& guest_;
  const std::uint32_t user_, group_;
  FolderPlan plan_;
  std::set<std::string> changed_;
};

}  // namespace

std::string path_below(const std::string& parent, const std::string& name) {
  return parent.empty() ? name : parent + "/" + name;
}

FolderTree read_folder(const fs::path& top, const ExcludePatterns& exclude) {
  FolderTree tree;
  struct stat facts {};
  if (::stat(top.c_str(), &facts) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", top.string(), errno_text(errno)));
  tree[""] = entry_of(top, facts);
  read_into(tree, top, "", exclude);
  return tree;
}

FolderPlan plan_folder(const FolderTree& host, const FolderTree& guest, std::uint32_t user,
                       std::uint32_t group) {
  return Planner(host, guest, user, group).plan();
}

}  // namespace envtool
