#include "boxes/part_directory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>

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

void PartDirectory::publish(const fs::path& place) const {
  const UniqueFd fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::syncfs(fd.get()) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot write '{}': {}", path_.string(), errno_text(errno)));
  const unsigned exchange = fs::exists(place) ? RENAME_EXCHANGE : 0;
  if (::renameat2(AT_FDCWD, path_.c_str(), AT_FDCWD, place.c_str(), exchange) != 0)
    throw Error(ErrorKind::failed, fmt::format("cannot make '{}': {}", place.string(), errno_text(errno)));
}

}  // namespace envtool
