#include "providers/lxc/helper/tree_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <utility>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/mounts.h"

namespace envtool::lxc {

namespace {

constexpr unsigned special_bits = 07000;

[[noreturn]] void fail_at(std::string_view what, const std::string& path) {
  const int number = errno;
  if (number == ENOSPC || number == EDQUOT) throw NoRoom{path};
  fail(fmt::format("{} '/{}'", what, path), number);
}

std::string parent_path(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

const char* last_part(const std::string& path) {
  const auto slash = path.rfind('/');
  return path.c_str() + (slash == std::string::npos ? 0 : slash + 1);
}

UniqueFd open_beneath(int top, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, top, path.c_str(), &how, sizeof how)));
}

std::array<timespec, 2> times_of(const TreeEntry& entry) {
  return {
      {{0, UTIME_OMIT}, {static_cast<std::time_t>(entry.modified), static_cast<long>(entry.nanoseconds)}}};
}

void set_owner(int file, const TreeEntry& entry) {
  if ((entry.uid != 0 || entry.gid != 0) && ::fchown(file, entry.uid, entry.gid) != 0)
    fail_at("set the owner of", entry.path);
}

void set_mode(int file, const TreeEntry& entry) {
  if (::fchmod(file, entry.mode) != 0) fail_at("set the mode of", entry.path);
}

/// An attribute that this file system or, without root, this user cannot have is left out.
void set_attributes(const TreeEntry& entry, const auto& set) {
  for (const auto& [name, value] : entry.attributes)
    if (set(name.c_str(), value.data(), value.size(), 0) != 0 && errno != ENOTSUP && errno != EPERM)
      fail_at(fmt::format("set the attribute '{}' of", name), entry.path);
}

void set_attributes(int file, const TreeEntry& entry) {
  set_attributes(entry, [file](auto... attribute) { return ::fsetxattr(file, attribute...); });
}

/// Of what is not opened, as a link.
void set_attributes_at(int directory, const TreeEntry& entry) {
  const std::string place = fmt::format("/proc/self/fd/{}/{}", directory, last_part(entry.path));
  set_attributes(entry, [&](auto... attribute) { return ::lsetxattr(place.c_str(), attribute...); });
}

void set_time(int file, const TreeEntry& entry) {
  if (::futimens(file, times_of(entry).data()) != 0) fail_at("set the time of", entry.path);
}

struct stat facts_of(int file, const std::string& path) {
  struct stat facts {};
  if (::fstat(file, &facts) != 0) fail_at("look at", path);
  return facts;
}

struct stat facts_at(int directory, const std::string& path) {
  struct stat facts {};
  if (::fstatat(directory, last_part(path), &facts, AT_SYMLINK_NOFOLLOW) != 0) fail_at("look at", path);
  return facts;
}

bool is_bare(int file) { return ::flistxattr(file, nullptr, 0) == 0; }

}  // namespace

NewTree::NewTree(const std::filesystem::path& top, Devices devices)
    : top_(open_directory(top)), devices_(devices), mask_(::umask(0)), manifest_(top) {
  // A group that is inherited would be one that nobody set.
  if (::fchmod(top_.get(), 0700) != 0) fail("close the new tree", errno);
}

NewTree::~NewTree() { ::umask(mask_); }

UniqueFd NewTree::open_parent(const std::string& path) {
  const std::string parent = parent_path(path);
  UniqueFd found = open_beneath(top_.get(), parent, O_PATH | O_DIRECTORY);
  if (found) return found;
  if (errno != ENOENT) fail_at("open the directory of", path);
  const UniqueFd above = open_parent(parent);
  if (::mkdirat(above.get(), last_part(parent), 0700) != 0 && errno != EEXIST) fail_at("make", parent);
  {
    const std::lock_guard lock(mutex_);  // one that comes as an entry too is as that says
    directories_.try_emplace(parent, TreeEntry{.kind = TreeEntry::Kind::directory,
                                               .path = parent,
                                               .mode = 0755,
                                               .modified = std::time(nullptr)});
  }
  found = open_beneath(top_.get(), parent, O_PATH | O_DIRECTORY);
  if (!found) fail_at("open", parent);
  return found;
}

void NewTree::keep(const TreeEntry& entry) {
  const std::lock_guard lock(mutex_);
  if (entry.kind == TreeEntry::Kind::directory)
    directories_[entry.path] = entry;
  else
    links_.push_back(entry);
}

void NewTree::note(const std::string& path, const struct stat& facts, std::string_view detail, bool is_bare) {
  const std::lock_guard lock(mutex_);
  manifest_.add(path, facts, detail, is_bare);
}

void NewTree::make_links() {
  for (const TreeEntry& link : links_) {
    const UniqueFd from = open_parent(link.target), to = open_parent(link.path);
    if (::linkat(from.get(), last_part(link.target), to.get(), last_part(link.path), 0) != 0)
      fail_at("make the link", link.path);
    manifest_.add_link(link.path, link.target);
  }
}

Manifest NewTree::finish() {
  make_links();
  for (const auto& [path, entry] : directories_) {
    const UniqueFd directory = open_beneath(top_.get(), path, O_RDONLY | O_DIRECTORY);
    if (!directory) fail_at("open", path);
    set_owner(directory.get(), entry);
    set_mode(directory.get(), entry);
    set_attributes(directory.get(), entry);
    set_time(directory.get(), entry);
    manifest_.add(path, facts_of(directory.get(), path), {}, is_bare(directory.get()));
  }
  return std::move(manifest_);
}

int TreeWriter::parent_of(const std::string& path) {
  std::string parent = parent_path(path);
  if (!parent_ || parent != parent_path_) {
    parent_ = tree_.open_parent(path);
    parent_path_ = std::move(parent);
  }
  return parent_.get();
}

void TreeWriter::write(const TreeEntry& entry, std::string_view content) {
  switch (entry.kind) {
    case TreeEntry::Kind::file:
      begin(entry);
      add(content);
      return end();
    case TreeEntry::Kind::directory:
      return make_directory(entry);
    case TreeEntry::Kind::hard_link:
      return tree_.keep(entry);
    default:
      return make_special(entry);
  }
}

void TreeWriter::make_directory(const TreeEntry& entry) {
  const int parent = parent_of(entry.path);
  // Whether what is there already is one, the end finds out.
  if (::mkdirat(parent, last_part(entry.path), 0700) != 0 && errno != EEXIST) fail_at("make", entry.path);
  tree_.keep(entry);
}

void TreeWriter::make_special(const TreeEntry& entry) {
  if (entry.kind == TreeEntry::Kind::device && tree_.devices_ == NewTree::Devices::left_out) return;
  const int parent = parent_of(entry.path);
  const char* name = last_part(entry.path);
  const bool is_link = entry.kind == TreeEntry::Kind::symlink;
  const unsigned type = entry.kind == TreeEntry::Kind::fifo ? S_IFIFO : S_IFCHR;
  if ((is_link ? ::symlinkat(entry.target.c_str(), parent, name)
               : ::mknodat(parent, name, type | 0600, ::makedev(entry.major, entry.minor))) != 0)
    fail_at("make", entry.path);
  if ((entry.uid != 0 || entry.gid != 0) &&
      ::fchownat(parent, name, entry.uid, entry.gid, AT_SYMLINK_NOFOLLOW) != 0)
    fail_at("set the owner of", entry.path);
  if (!is_link && ::fchmodat(parent, name, entry.mode, 0) != 0) fail_at("set the mode of", entry.path);
  if (!entry.attributes.empty()) set_attributes_at(parent, entry);
  if (::utimensat(parent, name, times_of(entry).data(), AT_SYMLINK_NOFOLLOW) != 0)
    fail_at("set the time of", entry.path);
  tree_.note(entry.path, facts_at(parent, entry.path), entry.target, false);
}

void TreeWriter::begin(const TreeEntry& entry) {
  entry_ = entry;
  file_ =
      UniqueFd(::openat(parent_of(entry.path), last_part(entry.path),
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, entry.mode & ~special_bits));
  if (!file_) fail_at("make", entry.path);
  size_ = 0;
}

void TreeWriter::add(std::string_view bytes) {
  checksum_.add(bytes);
  while (!bytes.empty()) {
    const ssize_t count = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_at("write", entry_.path);
    size_ += static_cast<std::uint64_t>(count);
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

void TreeWriter::skip(std::uint64_t size) {
  static constexpr char zeros[1 << 16] = {};
  size_ += size;
  if (::ftruncate(file_.get(), static_cast<off_t>(size_)) != 0) fail_at("write", entry_.path);
  for (; size > 0; size -= std::min<std::uint64_t>(size, sizeof zeros))
    checksum_.add({zeros, std::min<std::uint64_t>(size, sizeof zeros)});
}

void TreeWriter::end() {
  // The kernel takes special bits and capabilities away from what changes hands or is written.
  set_owner(file_.get(), entry_);
  if ((entry_.mode & special_bits) != 0) set_mode(file_.get(), entry_);
  set_attributes(file_.get(), entry_);
  set_time(file_.get(), entry_);
  tree_.note(entry_.path, facts_of(file_.get(), entry_.path), checksum_.finish(), is_bare(file_.get()));
  file_.reset();
}

}  // namespace envtool::lxc
