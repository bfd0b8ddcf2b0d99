#include "providers/libvirt/restorable.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace {

void read_domain(std::string_view xml, SnapshotFacts& facts) {
  std::string device;  // that the tags belong to
  for (const XmlTag& tag : xml_tags(xml)) {
    if (tag.name == "domain") facts.type = tag["type"];
    if (tag.name == "type" && facts.machine.empty()) {
      facts.architecture = tag["arch"];
      facts.machine = tag["machine"];
    }
    if (tag.name == "disk") facts.disks.push_back({});
    if (tag.name == "disk" || tag.name == "interface") device = tag.name;
    if (tag.name == "source" && device == "interface" && !tag["network"].empty())
      facts.networks.push_back(tag["network"]);
    if (device != "disk" || facts.disks.empty()) continue;
    SnapshotFacts::Disk& disk = facts.disks.back();
    if (tag.name == "source" && disk.file.empty()) disk.file = tag["file"];
    if (tag.name == "target") disk.target = tag["dev"];
    if (tag.name == "target") device.clear();
  }
}

}  // namespace

SnapshotFacts snapshot_facts(std::string_view xml) {
  SnapshotFacts facts;
  // The machine as it ran; what was to count from its next start may follow as another element.
  const auto begin = std::min(xml.find("<domain "), xml.size());
  const auto end = std::min(xml.find("</domain>", begin), xml.size());
  read_domain(xml.substr(begin, end - begin), facts);
  const std::string_view before = xml.substr(0, begin), after = xml.substr(end);
  facts.has_memory = before.find("<state>shutoff</state>") == std::string_view::npos &&
                     after.find("<state>shutoff</state>") == std::string_view::npos;
  for (const std::string_view part : {before, after})
    for (const XmlTag& tag : xml_tags(part))
      for (SnapshotFacts::Disk& disk : facts.disks)
        if (tag.name == "disk" && tag["name"] == disk.target && tag["snapshot"] == "internal")
          disk.is_part = true;
  return facts;
}

std::vector<std::string> why_not_restorable(const SnapshotFacts& snapshot, const SnapshotWorld& world) {
  std::vector<std::string> reasons;
  for (const SnapshotFacts::Disk& disk : snapshot.disks) {
    const std::filesystem::path file(disk.file);
    if (file.parent_path() != world.directory) continue;
    const std::string name = file.filename().string();
    if (!world.files.contains(disk.file) && (disk.is_part || snapshot.has_memory))
      reasons.push_back(fmt::format("its disk {}, the volume '{}', is gone", disk.target, name));
    else if (disk.is_part && world.kept.contains(disk.file))
      reasons.push_back(fmt::format(
          "its disk {}, the volume '{}', outlives the machine since then, and would lose what was "
          "written to it since",
          disk.target, name));
  }
  if (snapshot.has_memory)
    for (const std::string& network : snapshot.networks)
      if (!world.networks.contains(network))
        reasons.push_back(fmt::format("its network '{}' is gone", network));
  return reasons;
}

}  // namespace envtool::libvirt
