#include "providers/lxc/helper/manifest.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <vector>

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
std::string attributes_of(const fs::path& path) {
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

class Walk {
 public:
  Walk(const fs::path& tree, const KnownFiles& files) : tree_(tree), files_(files) {}

  std::string text() {
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(tree_))
      lines_.push_back(line(entry.path(), entry.path().lexically_relative(tree_).string()));
    std::sort(lines_.begin(), lines_.end());
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  /// The name comes first while lines are sorted, so that a difference is found by name.
  std::string line(const fs::path& path, const std::string& name) {
    struct stat info {};
    if (::lstat(path.c_str(), &info) != 0) fail(fmt::format("look at '{}'", path.string()), errno);
    return fmt::format("{} {} {:04o} {} {} {}", one_word(name), content(path, name, info),
                       info.st_mode & 07777, info.st_uid, info.st_gid, attributes_of(path));
  }

  std::string content(const fs::path& path, const std::string& name, const struct stat& info) {
    if (S_ISDIR(info.st_mode)) return "directory";
    if (S_ISLNK(info.st_mode)) return "link " + one_word(fs::read_symlink(path).string());
    if (S_ISREG(info.st_mode)) return fmt::format("file {} {}", info.st_size, digest(path, name, info));
    return fmt::format("special {:o} {}:{}", info.st_mode & S_IFMT, major(info.st_rdev), minor(info.st_rdev));
  }

  std::string digest(const fs::path& path, const std::string& name, const struct stat& info) {
    const auto known = files_.find(name);
    if (known != files_.end() && known->second.size == static_cast<std::uint64_t>(info.st_size) &&
        known->second.modified == info.st_mtim.tv_sec)
      return known->second.sha256;
    if (info.st_nlink == 1) return sha256_of_file(path);
    std::string& shared = of_links_[info.st_ino];
    if (shared.empty()) shared = sha256_of_file(path);
    return shared;
  }

  const fs::path& tree_;
  const KnownFiles& files_;
  std::vector<std::string> lines_;
  std::unordered_map<ino_t, std::string> of_links_;
};

std::string name_in(const std::string& line) { return line.substr(0, line.find(' ')); }

}  // namespace

std::string manifest_of(const fs::path& tree, const KnownFiles& files) { return Walk(tree, files).text(); }

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
