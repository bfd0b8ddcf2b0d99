#include "providers/lxc/helper/manifest.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"
#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

bool is_visible(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte != '\\' && byte != 127;
}

/// A name or target in one word: what is no visible character is `\xx`.
std::string one_word(std::string_view text) {
  if (text.empty()) return "\\";
  if (std::all_of(text.begin(), text.end(), is_visible)) return std::string(text);
  std::string word;
  for (const char c : text)
    if (is_visible(c))
      word += c;
    else
      word += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
  return word;
}

const std::string no_attributes = "-";  ///< as nearly all files have

/// All extended attributes in one word.
std::string attributes_of(const std::string& path) {
  const ssize_t size = ::llistxattr(path.c_str(), nullptr, 0);
  if (size <= 0) return no_attributes;
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

std::string what_it_holds(const struct stat& facts, std::string_view detail) {
  if (S_ISDIR(facts.st_mode)) return "directory";
  if (S_ISLNK(facts.st_mode)) return "link " + one_word(detail);
  if (S_ISREG(facts.st_mode)) return fmt::format("file {} {}", facts.st_size, detail);
  return fmt::format("special {:o} {}:{}", facts.st_mode & S_IFMT, major(facts.st_rdev),
                     minor(facts.st_rdev));
}

/// What follows the name in a line. `detail` is a file's checksum or a link's target.
std::string description(const struct stat& facts, std::string_view detail, std::string_view attributes) {
  return fmt::format("{} {:04o} {} {} {}", what_it_holds(facts, detail), facts.st_mode & 07777, facts.st_uid,
                     facts.st_gid, attributes);
}

/// The name comes first, so that a difference is found by name.
std::string text_of(const ManifestLines& lines) {
  std::string text;
  for (const auto& [name, description] : lines)
    text.append(name).append(" ").append(description).append("\n");
  return text;
}

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

/// Several threads share the directories of a tree.
class Walk {
 public:
  explicit Walk(std::string tree) : top_(tree.size() + 1), waiting_{std::move(tree)} {}

  std::string text() {
    std::vector<std::future<ManifestLines>> others(
        std::clamp(std::thread::hardware_concurrency(), 1U, most_threads) - 1);
    for (auto& other : others) other = std::async(std::launch::async, [this] { return walk(); });
    ManifestLines lines = walk();
    for (auto& other : others) lines.merge(other.get());
    if (failure_) std::rethrow_exception(failure_);
    return text_of(lines);
  }

 private:
  static constexpr unsigned most_threads = 4;

  /// Takes directories until none is left; gives the lines of what is in them.
  ManifestLines walk() {
    ManifestLines lines;
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return failure_ || !waiting_.empty() || taken_ == 0; });
      if (failure_ || waiting_.empty()) return lines;
      const std::string path = std::move(waiting_.back());
      waiting_.pop_back();
      ++taken_;
      lock.unlock();
      std::vector<std::string> below;
      std::exception_ptr failure;
      try {
        below = list(path, lines);
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
      --taken_;
      if (failure) failure_ = failure;
      waiting_.insert(waiting_.end(), below.begin(), below.end());
      changed_.notify_all();
    }
  }

  /// Adds what is in the directory, and gives the directories in it.
  std::vector<std::string> list(const std::string& directory, ManifestLines& lines) {
    const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const std::unique_ptr<DIR, CloseDirectory> entries(fd < 0 ? nullptr : ::fdopendir(fd));
    if (!entries) fail(fmt::format("read '{}'", directory), errno);
    std::vector<std::string> below;
    while (const dirent* entry = ::readdir(entries.get())) {
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      std::string path = fmt::format("{}/{}", directory, name);
      struct stat info {};
      if (::fstatat(fd, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        fail(fmt::format("look at '{}'", path), errno);
      lines[one_word(std::string_view(path).substr(top_))] = line(path, info);
      if (S_ISDIR(info.st_mode)) below.push_back(std::move(path));
    }
    return below;
  }

  std::string line(const std::string& path, const struct stat& info) {
    std::string detail;
    if (S_ISREG(info.st_mode)) detail = checksum(path, info);
    if (S_ISLNK(info.st_mode)) detail = fs::read_symlink(path).string();
    return description(info, detail, attributes_of(path));
  }

  std::string checksum(const std::string& path, const struct stat& info) {
    if (info.st_nlink == 1) return checksum_of_file(path);
    {
      const std::lock_guard lock(mutex_);
      if (const auto shared = of_links_.find(info.st_ino); shared != of_links_.end()) return shared->second;
    }
    std::string found = checksum_of_file(path);
    const std::lock_guard lock(mutex_);
    return of_links_[info.st_ino] = std::move(found);
  }

  const std::size_t top_;  ///< where a path's part below the tree begins
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> waiting_;  ///< directories
  int taken_ = 0;                     ///< directories that somebody reads
  std::exception_ptr failure_;
  std::unordered_map<ino_t, std::string> of_links_;
};

std::string name_in(const std::string& line) { return line.substr(0, line.find(' ')); }

}  // namespace

void Manifest::add(const std::string& path, const struct stat& facts, std::string_view detail, bool is_bare) {
  lines_[one_word(path)] =
      description(facts, detail, is_bare ? no_attributes : attributes_of((tree_ / path).string()));
}

void Manifest::add_link(const std::string& path, const std::string& target) {
  lines_[one_word(path)] = lines_.at(one_word(target));
}

void Manifest::look_again(const std::string& path) {
  const fs::path place = tree_ / path;
  struct stat facts {};
  if (::lstat(place.c_str(), &facts) != 0) {
    if (errno != ENOENT) fail(fmt::format("look at '{}'", place.string()), errno);
    lines_.erase(one_word(path));
    return;
  }
  std::string detail;
  if (S_ISREG(facts.st_mode)) detail = checksum_of_file(place);
  if (S_ISLNK(facts.st_mode)) detail = fs::read_symlink(place).string();
  add(path, facts, detail, false);
}

std::string Manifest::text() const { return text_of(lines_); }

std::string manifest_of(const fs::path& tree) { return Walk(tree.string()).text(); }

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
