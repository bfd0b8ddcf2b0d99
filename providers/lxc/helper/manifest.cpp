#include "providers/lxc/helper/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

/// A name or target in one word: what is no visible character is `\xx`.
std::string one_word(std::string_view text) {
  std::string word;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte != '\\' && byte != 127)
      word += c;
    else
      word += fmt::format("\\{:02x}", byte);
  }
  return word.empty() ? "\\" : word;
}

/// All extended attributes in one word; "-" for none, as nearly all files have.
std::string attributes_of(const std::string& path) {
  const ssize_t size = ::llistxattr(path.c_str(), nullptr, 0);
  if (size <= 0) return "-";
  std::string names(static_cast<std::size_t>(size), '\0');
  names.resize(
      static_cast<std::size_t>(std::max<ssize_t>(0, ::llistxattr(path.c_str(), names.data(), names.size()))));
  std::vector<std::string> all;
  for (const std::string& name : split(names, '\0')) {
    if (name.empty()) continue;
    std::string value(1 << 16, '\0');
    const ssize_t length = ::lgetxattr(path.c_str(), name.c_str(), value.data(), value.size());
    all.push_back(name + "=" + value.substr(0, static_cast<std::size_t>(std::max<ssize_t>(0, length))));
  }
  std::sort(all.begin(), all.end());
  return sha256(join(all, "\n")).substr(0, 32);
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

class Walk {
 public:
  Walk(std::string tree, const KnownFiles& files)
      : path_(std::move(tree)), top_(path_.size() + 1), files_(files) {}

  std::string text() {
    const UniqueFd top(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) fail(fmt::format("open '{}'", path_), errno);
    walk(top.get());
    std::sort(lines_.begin(), lines_.end());
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  /// `path_` is the directory's; `fd` saves the kernel the way there for each of its entries.
  void walk(int fd) {
    const std::unique_ptr<DIR, CloseDirectory> directory(::fdopendir(::fcntl(fd, F_DUPFD_CLOEXEC, 0)));
    if (!directory) fail(fmt::format("read '{}'", path_), errno);
    const std::size_t length = path_.size();
    while (const dirent* entry = ::readdir(directory.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      path_.append("/").append(name);
      struct stat info {};
      if (::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        fail(fmt::format("look at '{}'", path_), errno);
      add_line(info);
      if (S_ISDIR(info.st_mode)) {
        const UniqueFd below(::openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        if (!below) fail(fmt::format("open '{}'", path_), errno);
        walk(below.get());
      }
      path_.resize(length);
    }
  }

  /// The name comes first while lines are sorted, so that a difference is found by name.
  void add_line(const struct stat& info) {
    const std::string name = path_.substr(top_);
    lines_.push_back(fmt::format("{} {} {:04o} {} {} {}", one_word(name), content(name, info),
                                 info.st_mode & 07777, info.st_uid, info.st_gid, attributes_of(path_)));
  }

  std::string content(const std::string& name, const struct stat& info) {
    if (S_ISDIR(info.st_mode)) return "directory";
    if (S_ISLNK(info.st_mode)) return "link " + one_word(fs::read_symlink(path_).string());
    if (S_ISREG(info.st_mode)) return fmt::format("file {} {}", info.st_size, digest(name, info));
    return fmt::format("special {:o} {}:{}", info.st_mode & S_IFMT, major(info.st_rdev), minor(info.st_rdev));
  }

  std::string digest(const std::string& name, const struct stat& info) {
    const auto known = files_.find(name);
    if (known != files_.end() && known->second.size == static_cast<std::uint64_t>(info.st_size) &&
        known->second.modified == info.st_mtim.tv_sec)
      return known->second.sha256;
    if (info.st_nlink == 1) return sha256_of_file(path_);
    std::string& shared = of_links_[info.st_ino];
    if (shared.empty()) shared = sha256_of_file(path_);
    return shared;
  }

  std::string path_;
  std::size_t top_;  ///< where a path's part below the tree begins
  const KnownFiles& files_;
  std::vector<std::string> lines_;
  std::unordered_map<ino_t, std::string> of_links_;
};

std::string name_in(const std::string& line) { return line.substr(0, line.find(' ')); }

}  // namespace

std::string manifest_of(const fs::path& tree, const KnownFiles& files) {
  return Walk(tree.string(), files).text();
}

std::string manifest_difference(const std::string& then, const std::string& now) {
  if (then == now) return {};
  const std::vector<std::string> before = split(then, '\n'), after = split(now, '\n');
  const auto [old, present] = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  const std::string lost = old == before.end() ? "" : name_in(*old);
  const std::string found = present == after.end() ? "" : name_in(*present);
  if (lost == found) return fmt::format("its file '/{}' is changed", lost);
  if (found.empty() || (!lost.empty() && lost < found)) return fmt::format("its file '/{}' is missing", lost);
  return fmt::format("its file '/{}' is new", found);
}

}  // namespace envtool::lxc
