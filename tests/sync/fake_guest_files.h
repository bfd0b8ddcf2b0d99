#pragma once

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <map>
#include <string>

#include "base/error.h"
#include "core/guest_files.h"

namespace envtool {

/// A guest's files in memory, by their whole paths. What cannot be is refused, as OpenSSH's server refuses
/// it.
struct FakeFiles {
  struct File {
    std::uint32_t mode = 0;    ///< with the bits of its kind
    std::string content = {};  ///< or a link's target
    std::uint32_t modified = 0, user = 0, group = 0;
  };
  std::map<std::string, File> files;
  std::string refused = {};  ///< writing this fails, as on a full disk
  int writes = 0;
  std::function<void()> before_write = {};
};

class FakeGuestFiles : public GuestFiles {
 public:
  explicit FakeGuestFiles(FakeFiles& world) : world_(world), files_(world.files) {}

  Facts look_at(const std::string& path) override {
    const FakeFiles::File& file = there("look at", path);
    return {.mode = file.mode,
            .size = file.content.size(),
            .modified = file.modified,
            .user = file.user,
            .group = file.group};
  }
  std::map<std::string, Facts> list(const std::string& directory) override {
    std::map<std::string, Facts> names;
    for (const auto& [path, file] : files_)
      if (parent(path) == directory) names[path.substr(directory.size() + 1)] = look_at(path);
    return names;
  }
  std::string link_target(const std::string& link) override { return there("read", link).content; }

  void remove(const std::string& path) override {
    if (S_ISDIR(there("remove", path).mode)) fail("remove", path);
    files_.erase(path);
  }
  void remove_directory(const std::string& path) override {
    if (!list(path).empty()) fail("remove", path);
    files_.erase(path);
  }
  void make_directory(const std::string& path) override { make(path, {.mode = S_IFDIR | 0700}); }
  void make_link(const std::string& path, const std::string& target) override {
    make(path, {.mode = S_IFLNK | 0777, .content = target});
  }
  void make_file(const std::string& path, const std::function<std::string_view()>& next) override {
    make(path, {.mode = S_IFREG | 0600});
    for (std::string_view bytes = next(); !bytes.empty(); bytes = next()) {
      if (world_.before_write) world_.before_write();
      if (!world_.refused.empty() && bytes.starts_with(world_.refused)) fail("write", path);
      ++world_.writes;
      files_[path].content += bytes;
    }
  }
  void rename(const std::string& from, const std::string& to) override {
    if (files_.contains(to) && S_ISDIR(files_[to].mode)) fail("replace", to);
    files_[to] = there("replace", from);
    files_.erase(from);
  }
  void set_owner(const std::string& path, std::uint32_t user, std::uint32_t group) override {
    FakeFiles::File& file = there("set the owner of", path);
    file.user = user;
    file.group = group;
    file.mode &= ~06000U;  // as the kernel does
  }
  void set_mode_and_time(const std::string& path, std::uint32_t mode, std::uint32_t modified) override {
    FakeFiles::File& file = there("set the mode of", path);
    REQUIRE_MESSAGE(!S_ISLNK(file.mode), "it would change what the link points to");
    file.mode = (file.mode & S_IFMT) | mode;
    file.modified = modified;
  }

 private:
  [[noreturn]] static void fail(const std::string& verb, const std::string& path) {
    throw Error(ErrorKind::failed, "cannot " + verb + " '" + path + "' in the guest: failure");
  }
  static std::string parent(const std::string& path) { return path.substr(0, path.rfind('/')); }
  FakeFiles::File& there(const std::string& verb, const std::string& path) {
    if (!files_.contains(path)) fail(verb, path);
    return files_[path];
  }
  void make(const std::string& path, FakeFiles::File file) {
    if (files_.contains(path) || !files_.contains(parent(path))) fail("make", path);
    files_[path] = std::move(file);
  }

  FakeFiles& world_;
  std::map<std::string, FakeFiles::File>& files_;
};

}  // namespace envtool
