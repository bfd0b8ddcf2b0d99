#include "providers/libvirt/volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "providers/libvirt/disks.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

std::string saved_volume(std::string_view first, Moment moment) {
  return fmt::format("{}@{}", first, moment);
}

std::string restored_volume(std::string_view first, Moment moment) {
  return fmt::format("{}+{}", first, moment);
}

std::string first_volume(std::string_view volume) {
  return std::string(volume.substr(0, volume.find_first_of("@+")));
}

std::vector<OwnDisk> own_disks(std::string_view domain_xml, const MachineNames& names) {
  std::vector<OwnDisk> disks;
  std::string volume;
  for (const XmlTag& tag : xml_tags(domain_xml)) {
    if (tag.name == "disk") volume.clear();
    // What it lies over has a source, too, which comes later.
    if (tag.name == "source" && volume.empty()) volume = std::filesystem::path(tag["file"]).filename();
    if (tag.name != "target") continue;
    if (volume.starts_with(names.volume_prefix()) && first_volume(volume).ends_with(".qcow2"))
      disks.push_back({tag["dev"], volume});
    volume.clear();
  }
  return disks;
}

DiskVolumes::DiskVolumes(const Connection& connection, const Storage& storage, const MachineNames& names) {
  // Of a disk that the domain does not have for now, the newest.
  std::vector<std::string> volumes = storage.list(names.volume_prefix());
  std::sort(volumes.begin(), volumes.end());
  for (const std::string& volume : volumes)
    if (volume.find('+') != std::string::npos) in_use_[first_volume(volume)] = volume;
  for (const std::string& volume : kept_volumes(volumes, names)) in_use_[first_volume(volume)] = volume;
  const Domain domain = connection.find_domain(names.machine);
  if (!domain) return;
  for (const OwnDisk& disk : own_disks(definition_of(domain), names))
    in_use_[first_volume(disk.volume)] = disk.volume;
}

std::string DiskVolumes::operator[](const std::string& first) const {
  const auto found = in_use_.find(first);
  return found == in_use_.end() ? first : found->second;
}

std::vector<std::string> unused_volumes(const std::map<std::string, std::string>& volumes,
                                        std::set<std::string> used) {
  const std::set<std::string> wanted = used;
  for (const std::string& volume : wanted)
    for (auto below = volumes.find(volume); below != volumes.end(); below = volumes.find(below->second))
      used.insert(below->first);
  std::vector<std::string> unused;
  for (const auto& [volume, below] : volumes)
    if (!used.contains(volume)) unused.push_back(volume);
  return unused;
}

}  // namespace envtool::libvirt
