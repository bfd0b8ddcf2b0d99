#include "core/tree_digest.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"

namespace envtool {

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> names_in(const fs::path& directory) {
  std::error_code failure;
  std::vector<fs::path> names;
  for (fs::directory_iterator entry(directory, failure), end; !failure && entry != end;
       entry.increment(failure))
    names.push_back(entry->path().filename());
  if (failure)
    throw Error(ErrorKind::failed,
                fmt::format("cannot read '{}': {}", directory.string(), failure.message()));
  std::sort(names.begin(), names.end());
  return names;
}

void add(Sha256& digest, const fs::path& path, const std::string& name) {
  struct stat found {};
  if (::lstat(path.c_str(), &found) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot read '{}': {}", path.string(), errno_text(errno)));
  // Lengths before texts, so that no two trees give the same bytes.
  digest.add(fmt::format("{}:{} {:o} ", name.size(), name, found.st_mode));
  if (S_ISLNK(found.st_mode)) {
    const std::string target = fs::read_symlink(path).string();
    digest.add(fmt::format("{}:{}", target.size(), target));
  } else if (S_ISREG(found.st_mode)) {
    digest.add(sha256_of_file(path));
  } else if (S_ISDIR(found.st_mode)) {
    for (const fs::path& child : names_in(path))
      if (child != ".git" && child != ".envtool") add(digest, path / child, name + "/" + child.string());
  }
}

}  // namespace

std::string tree_digest(const fs::path& path) {
  std::error_code failure;
  if (!fs::exists(path, failure)) return "absent";
  Sha256 digest;
  // The path itself may be a link to what is meant.
  add(digest, fs::canonical(path), "");
  return digest.finish();
}

}  // namespace envtool
