#include "providers/lxc/helper/guest_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/text.h"
#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/mounts.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::string parent_of(const std::string& path) { return fs::path(path).parent_path().string(); }
std::string name_of(const std::string& path) { return fs::path(path).filename().string(); }

std::string real_path(int fd) { return fs::read_symlink(fmt::format("/proc/self/fd/{}", fd)).string(); }

UniqueFd open_child(int parent, const std::string& name) {
  return UniqueFd(::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

}  // namespace

GuestTree::GuestTree(const fs::path& root, const GuestIds& ids) : root_(open_directory(root)), ids_(ids) {}

GuestTree::GuestTree(const fs::path& root, const fs::path& upper, const GuestIds& ids)
    : root_(open_directory(root)),
      upper_(open_directory(upper)),
      root_path_(real_path(root_.get())),
      ids_(ids) {}

bool GuestTree::give(int fd, const Owner& owner) const {
  return ::fchown(fd, ids_.uid(owner.uid), ids_.gid(owner.gid)) == 0 && ::fchmod(fd, owner.mode) == 0;
}

void GuestTree::note_changes(std::vector<std::string>& changes) {
  root_path_ = real_path(root_.get());
  changes_ = &changes;
}

void GuestTree::note_change(int directory, const std::string& name) const {
  if (changes_ == nullptr) return;
  const std::string parent = real_path(directory).substr(root_path_.size());
  changes_->push_back(parent.empty() ? name : parent.substr(1) + "/" + name);
}

UniqueFd GuestTree::look(const std::string& path, int flags) const {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags) | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return UniqueFd(static_cast<int>(::syscall(SYS_openat2, root_.get(), path.c_str(), &how, sizeof how)));
}

std::optional<std::string> GuestTree::read(const std::string& path) const {
  const UniqueFd fd = look(path, O_RDONLY | O_NONBLOCK);
  struct stat facts {};
  if (!fd || ::fstat(fd.get(), &facts) != 0 || !S_ISREG(facts.st_mode)) return std::nullopt;
  return read_file(fmt::format("/proc/self/fd/{}", fd.get()), 4 << 20);
}

std::optional<GuestTree::Owner> GuestTree::owner_of(const std::string& path) const {
  const UniqueFd fd = look(path, O_PATH);
  struct stat facts {};
  if (!fd || ::fstat(fd.get(), &facts) != 0) return std::nullopt;
  return Owner{ids_.guest_uid(facts.st_uid), ids_.guest_gid(facts.st_gid), facts.st_mode & 07777};
}

bool GuestTree::is_directory(const std::string& path) const { return bool(look(path, O_PATH | O_DIRECTORY)); }

std::string GuestTree::real_directory(const std::string& path) const {
  const UniqueFd fd = look(path, O_PATH | O_DIRECTORY);
  return fd ? real_path(fd.get()).substr(real_path(root_.get()).size()) : path;
}

std::vector<std::string> GuestTree::list(const std::string& path) const {
  std::vector<std::string> names;
  UniqueFd fd = look(path, O_RDONLY | O_DIRECTORY);
  if (!fd) return names;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.release()), &::closedir);
  while (const dirent* entry = stream ? ::readdir(stream.get()) : nullptr)
    if (const std::string name = entry->d_name; name != "." && name != "..") names.push_back(name);
  return names;
}

UniqueFd GuestTree::mirror(int directory) const {
  const std::string inside = real_path(directory).substr(root_path_.size());
  UniqueFd below(::dup(root_.get()));
  UniqueFd here(::dup(upper_.get()));
  for (const std::string& name : split(inside, '/')) {
    if (name.empty()) continue;
    below = open_child(below.get(), name);
    struct stat facts {};
    if (!below || ::fstat(below.get(), &facts) != 0)
      fail(fmt::format("look at '{}' of the box", inside), errno);
    const bool made = ::mkdirat(here.get(), name.c_str(), 0700) == 0;
    here = open_child(here.get(), name);
    if (!here) fail(fmt::format("make '{}' in the machine's layer", inside), errno);
    const Owner owner{facts.st_uid, facts.st_gid, facts.st_mode & 07777};
    if (made && !give(here.get(), owner)) fail(fmt::format("set the owner of '{}'", inside), errno);
  }
  return here;
}

UniqueFd GuestTree::directory_for_writing(const std::string& path, const Owner& owner) const {
  UniqueFd found = look(path, O_RDONLY | O_DIRECTORY);
  if (found) return upper_ ? mirror(found.get()) : std::move(found);
  if (errno != ENOENT || path == "/") fail(fmt::format("open '{}' in the guest", path), errno);
  const UniqueFd parent = directory_for_writing(parent_of(path), {owner.uid, owner.gid, 0755});
  const bool made = ::mkdirat(parent.get(), name_of(path).c_str(), 0700) == 0;
  UniqueFd here = open_child(parent.get(), name_of(path));
  if (!here) fail(fmt::format("make '{}' in the guest", path), errno);
  if (made && !give(here.get(), owner)) fail(fmt::format("set the owner of '{}'", path), errno);
  note_change(parent.get(), name_of(path));
  return here;
}

void GuestTree::make_directory(const std::string& path, const Owner& owner) const {
  directory_for_writing(path, owner);
}

void GuestTree::write(const std::string& path, std::string_view content, const Owner& owner) const {
  const UniqueFd directory = directory_for_writing(parent_of(path), {owner.uid, owner.gid, 0755});
  const std::string name = name_of(path);
  ::unlinkat(directory.get(), name.c_str(), 0);
  const UniqueFd file(
      ::openat(directory.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) fail(fmt::format("write '{}' in the guest", path), errno);
  for (std::string_view rest = content; !rest.empty();) {
    const ssize_t count = ::write(file.get(), rest.data(), rest.size());
    if (count < 0) fail(fmt::format("write '{}' in the guest", path), errno);
    rest.remove_prefix(static_cast<std::size_t>(count));
  }
  if (!give(file.get(), owner)) fail(fmt::format("set the owner of '{}'", path), errno);
  note_change(directory.get(), name);
}

void GuestTree::write_if_changed(const std::string& path, std::string_view content) const {
  if (read(path) != content) write(path, content);
}

void GuestTree::make_link(const std::string& path, const std::string& target) const {
  const UniqueFd directory = directory_for_writing(parent_of(path), Owner{});
  ::unlinkat(directory.get(), name_of(path).c_str(), 0);
  if (::symlinkat(target.c_str(), directory.get(), name_of(path).c_str()) != 0 && errno != EEXIST)
    fail(fmt::format("link '{}' in the guest", path), errno);
  note_change(directory.get(), name_of(path));
}

void GuestTree::remove(const std::string& path) const {
  const UniqueFd directory = look(parent_of(path), O_RDONLY | O_DIRECTORY);
  if (!directory) return;
  if (::unlinkat(directory.get(), name_of(path).c_str(), 0) != 0 && errno != ENOENT && errno != EISDIR)
    fail(fmt::format("remove '{}' from the box", path), errno);
  note_change(directory.get(), name_of(path));
}

Account account_in(const GuestTree& box, const std::string& name, const std::string& user) {
  if (auto account = find_account(box.read("/etc/passwd").value_or(""), user)) return *std::move(account);
  throw Error(ErrorKind::failed, fmt::format("box '{}' has no user '{}'", name, user))
      .with_hint("name a user of the box under 'ssh: {user: ...}'");
}

}  // namespace envtool::lxc
