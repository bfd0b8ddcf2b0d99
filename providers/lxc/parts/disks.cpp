#include "providers/lxc/parts/disks.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

bool is_disk_name(const std::string& name) {
  return !name.empty() && name.size() <= 32 && name.front() != '-' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
}

std::vector<MachineDisk> parse_disks(const Value& list) {
  std::vector<MachineDisk> disks;
  for (const Value& value : list.items()) {
    MachineDisk disk{value["name"].as_text(), value["mount"].as_text(), value["keep"].as_bool()};
    if (!is_disk_name(disk.name))
      throw Error(ErrorKind::failed, fmt::format("'{}' is no name for a disk", disk.name));
    const bool plain = std::none_of(disk.mount.begin(), disk.mount.end(),
                                    [](char c) { return static_cast<unsigned char>(c) < 32; });
    if (!plain || disk.mount.size() < 2 || !disk.mount.starts_with('/') || disk.mount.ends_with('/') ||
        fs::path(disk.mount).lexically_normal().string() != disk.mount)
      throw Error(ErrorKind::failed,
                  fmt::format("disk '{}' cannot be mounted on '{}': it must be a plain absolute path below "
                              "'/'",
                              disk.name, disk.mount));
    disks.push_back(std::move(disk));
  }
  return disks;
}

std::vector<std::string> kept_disks(const Layout& layout, const std::string& machine) {
  std::vector<std::string> names;
  std::error_code code;
  for (const fs::directory_entry& entry : fs::directory_iterator(layout.disks(machine), code))
    if (const std::string name = entry.path().filename(); is_disk_name(name)) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace envtool::lxc
