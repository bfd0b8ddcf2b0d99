#include "providers/libvirt/restorable.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/text.h"
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

bool has_uefi(std::string_view domain_xml) {
  return find_xml_tag(domain_xml, "loader")["type"] == "pflash" ||
         find_xml_tag(domain_xml, "os")["firmware"] == "efi";
}

/// Without its version: QEMU has the older ones of a family beside the newest, which a definition gets.
std::string family_of(const std::string& machine) { return machine.substr(0, machine.rfind('-')); }

void compare_definition(const SnapshotFacts& snapshot, const SnapshotWorld& world,
                        std::vector<std::string>& reasons) {
  if (!world.is_defined || !snapshot.has_memory) return;
  if (family_of(snapshot.machine) != family_of(world.machine))
    reasons.push_back(fmt::format("its memory is that of a machine of type '{}', and it is of type '{}' now",
                                  snapshot.machine, world.machine));
  if (snapshot.cpu != world.cpu)
    reasons.push_back(
        fmt::format("its memory is that of a CPU {}, and it has a CPU {} now", snapshot.cpu, world.cpu));
  if (snapshot.is_uefi != world.is_uefi)
    reasons.push_back(fmt::format("its memory is that of a machine with {}, and it has {} now",
                                  snapshot.is_uefi ? "UEFI" : "BIOS", world.is_uefi ? "UEFI" : "BIOS"));
}

}  // namespace

std::string cpu_in_words(std::string_view domain_xml) {
  const std::string_view cpu = xml_element(domain_xml, "cpu");
  if (cpu.empty()) return "of QEMU's own choice";
  const std::string mode = find_xml_tag(cpu, "cpu")["mode"];
  const std::string_view model = xml_element(cpu, "model");
  std::string words = fmt::format("'{}'", mode);
  if (mode == "custom" || mode.empty()) {
    const auto begin = std::min(model.find('>'), model.size());
    const std::string_view name = model.substr(std::min(begin + 1, model.size()));
    words = fmt::format("'{}'", name.substr(0, name.find('<')));
  }
  for (const XmlTag& tag : xml_tags(cpu))
    if (tag.name == "feature") words += fmt::format(" {} '{}'", tag["policy"], tag["name"]);
  return words;
}

void add_definition(SnapshotWorld& world, std::string_view domain_xml) {
  world.is_defined = true;
  world.machine = find_xml_tag(xml_element(domain_xml, "os"), "type")["machine"];
  world.cpu = cpu_in_words(domain_xml);
  world.is_uefi = has_uefi(domain_xml);
}

std::string outlives(const std::string& target, const std::string& volume) {
  return fmt::format(
      "its disk {}, the volume '{}', outlives the machine since then, and would lose what was written to it "
      "since",
      target, volume);
}

SnapshotFacts snapshot_facts(std::string_view xml) {
  SnapshotFacts facts;
  // The machine as it ran; what was to count from its next start may follow as another element.
  const auto begin = std::min(xml.find("<domain "), xml.size());
  const auto end = std::min(xml.find("</domain>", begin), xml.size());
  read_domain(xml.substr(begin, end - begin), facts);
  // Of one that ran, the CPU there is what came of its definition on that host.
  const std::string_view defined = xml_element(xml, "inactiveDomain");
  facts.cpu = cpu_in_words(defined.empty() ? xml.substr(begin, end - begin) : defined);
  facts.is_uefi = has_uefi(xml.substr(begin, end - begin));
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
      reasons.push_back(outlives(disk.target, name));
  }
  if (snapshot.has_memory)
    for (const std::string& network : snapshot.networks)
      if (!world.networks.contains(network))
        reasons.push_back(fmt::format("its network '{}' is gone", network));
  compare_definition(snapshot, world, reasons);
  return reasons;
}

}  // namespace envtool::libvirt
