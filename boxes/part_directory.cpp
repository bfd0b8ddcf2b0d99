#include "boxes/part_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <vector>

#include "base/error.h"
#include "base/files.h"
#include "base/hash.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

void remove_unmounted(const fs::path& path) {
  const std::string below = replace_all(path.string(), " ", "\\040") + "/";  // as mountinfo writes a space
  std::ifstream mounts("/proc/self/mountinfo");
  if (!mounts) return;
  for (std::string line; std::getline(mounts, line);)
    if (line.find(" " + below) != std::string::npos) return;
  std::error_code ignored;
  fs::remove_all(path, ignored);
}

PartDirectory::PartDirectory(const fs::path& store, const std::string& work)
    : path_(store / fmt::format("{}{}.{}", part_prefix, work, random_hex(4))) {
  make_directories(path_);
}

namespace {

/// Others may have gigabytes on their way to the same disk, which are not waited for.
void sync_tree(const fs::path& path) {
  std::vector<UniqueFd> all;
  const auto add = [&](const fs::path& file) {
    all.emplace_back(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
    // All of it is sent on its way before any of it is waited for.
    if (all.back()) ::sync_file_range(all.back().get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  };
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file() || entry.is_directory()) add(entry.path());
  add(path);
  for (const UniqueFd& file : all)
    if (!file || ::fsync(file.get()) != 0)
      throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path.string(), errno_text(errno)));
}

}  // namespace

void PartDirectory::publish(const fs::path& place) const {
  sync_tree(path_);
  const unsigned exchange = fs::exists(place) ? RENAME_EXCHANGE : 0;
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place.c_str(), exchange) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", place.string(), errno_text(errno)));
}

}  // namespace envtool
