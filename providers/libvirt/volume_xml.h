#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace envtool::libvirt {

/// A directory of the host that holds libvirt, searchable but not readable for others.
std::string pool_xml(const std::string& name, const std::filesystem::path& directory);

/// A volume below another.
struct Backing {
  std::string path, format;
  std::uint64_t capacity = 0;  ///< bytes that a guest sees of it
};

struct VolumePlan {
  std::string name;
  std::uint64_t capacity = 0;  ///< bytes
  std::string format = "raw";
  Backing backing = {};  ///< without a path: none
};
std::string volume_xml(const VolumePlan& plan);

}  // namespace envtool::libvirt
