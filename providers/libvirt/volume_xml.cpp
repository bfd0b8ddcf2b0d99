#include "providers/libvirt/volume_xml.h"

#include <fmt/format.h>

#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

std::string pool_xml(const std::string& name, const std::filesystem::path& directory) {
  return fmt::format(
      "<pool type='dir'>\n"
      "  <name>{}</name>\n"
      "  <target>\n"
      "    <path>{}</path>\n"
      "    <permissions>\n"
      "      <mode>0711</mode>\n"
      "    </permissions>\n"
      "  </target>\n"
      "</pool>\n",
      escape_xml(name), escape_xml(directory.string()));
}

std::string volume_xml(const VolumePlan& plan) {
  std::string text = fmt::format(
      "<volume>\n"
      "  <name>{}</name>\n"
      "  <capacity unit='bytes'>{}</capacity>\n"
      "  <allocation unit='bytes'>0</allocation>\n"
      "  <target>\n"
      "    <format type='{}'/>\n"
      "    <permissions>\n"
      "      <mode>0600</mode>\n"
      "    </permissions>\n"
      "{}"
      "  </target>\n",
      escape_xml(plan.name), plan.capacity, plan.format,
      // libvirt's default is the old version, which cannot grow once it has snapshots.
      plan.format != "qcow2" ? "" : "    <compat>1.1</compat>\n");
  if (!plan.backing.path.empty())
    text += fmt::format(
        "  <backingStore>\n"
        "    <path>{}</path>\n"
        "    <format type='{}'/>\n"
        "  </backingStore>\n",
        escape_xml(plan.backing.path), plan.backing.format);
  return text + "</volume>\n";
}

}  // namespace envtool::libvirt
