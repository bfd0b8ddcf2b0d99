#include "core/provisioner.h"

#include <fmt/format.h>

namespace envtool {

std::string in_its_directory(const std::filesystem::path& path) {
  return fmt::format("'{}' in '{}'", path.filename().string(), path.parent_path().string());
}

}  // namespace envtool
