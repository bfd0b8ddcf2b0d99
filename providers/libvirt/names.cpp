#include "providers/libvirt/names.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <charconv>

#include "base/error.h"
#include "base/hash.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

namespace {

template <class Number>
Number number_of(const std::string& text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::string mac_of(const std::string& owner) {
  const std::string digits = sha256(owner);
  return fmt::format("52:54:00:{}:{}:{}", digits.substr(0, 2), digits.substr(2, 2), digits.substr(4, 2));
}

std::string link_xml(const NetworkLink& link) {
  return fmt::format("<envtool:network name='{}' device='{}' bridge='{}' mac='{}' subnet='{}' address='{}'/>",
                     escape_xml(link.name), escape_xml(link.host_device), link.is_bridge ? "yes" : "no",
                     link.mac, link.subnet, link.address);
}

}  // namespace

std::string MachineNames::uuid() const {
  std::string digits = sha256("uuid/" + environment + "/" + machine).substr(0, 32);
  digits[12] = '4';  // as a random one
  digits[16] = '8';
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                     digits.substr(16, 4), digits.substr(20, 12));
}

std::string MachineNames::mac() const { return mac_of("mac/" + environment + "/" + machine); }

std::string MachineNames::mac_in(std::string_view network) const {
  return mac_of(fmt::format("mac/{}/{}/{}", environment, machine, network));
}

std::string MachineNames::volume(std::string_view suffix) const {
  return fmt::format("{}.{}.{}", machine, environment, suffix);
}

std::string MachineNames::box_disk(std::size_t number) const {
  return volume(number == 0 ? "qcow2" : fmt::format("box-{}.qcow2", number + 1));
}

std::string MachineNames::cdrom(const fs::path& file) const {
  struct stat found {};
  if (::stat(file.c_str(), &found) != 0 || !S_ISREG(found.st_mode))
    throw Error(ErrorKind::failed, fmt::format("there is no file '{}' for a CD-ROM", file.string()))
        .with_hint("'cdroms' in the Envfile names it");
  const std::string state = fmt::format("{}/{}/{}/{}.{}", file.string(), found.st_ino, found.st_size,
                                        found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
  return fmt::format("{}{}.iso", cdrom_prefix(), sha256(state).substr(0, 16));
}

std::string box_volume(const std::string& digest, std::size_t number) {
  return number == 0 ? fmt::format("box-{}.qcow2", digest)
                     : fmt::format("box-{}.{}.qcow2", digest, number + 1);
}

std::string complete_volume(const std::string& digest) { return fmt::format("box-{}.complete", digest); }

std::string box_volume_prefix(const std::string& digest) { return fmt::format("box-{}.", digest); }

std::string disk_target(std::string_view kind, std::size_t number) {
  return fmt::format("{}{}", kind, static_cast<char>('a' + number));
}

std::string project_network(const std::string& environment, const std::string& network) {
  return fmt::format("{}-{}-{}", network_name, environment, network);
}

std::string project_bridge(const std::string& environment, const std::string& network) {
  return "vbr" + sha256(environment + "/" + network).substr(0, 10);
}

std::string tag_xml(const MachineTag& tag) {
  std::string text = fmt::format(
      "<envtool:machine xmlns:envtool='{}' environment='{}' project='{}' name='{}' box='{}' address='{}' "
      "keys='{}' cpus='{}' memory='{}'",
      xml_namespace, escape_xml(tag.environment), escape_xml(tag.project), escape_xml(tag.machine),
      escape_xml(tag.box), escape_xml(tag.address), tag.box_keys ? "box" : "seed", tag.cpus, tag.memory);
  if (tag.networks.empty()) return text + "/>";
  text += ">";
  for (const NetworkLink& link : tag.networks) text += link_xml(link);
  return text + "</envtool:machine>";
}

std::optional<MachineTag> parse_tag(std::string_view xml) {
  std::optional<MachineTag> tag;
  for (const XmlTag& found : xml_tags(xml)) {
    // libvirt gives the elements with their prefix, or without.
    if (found.name == "envtool:machine" || found.name == "machine")
      tag = MachineTag{.environment = found["environment"],
                       .project = found["project"],
                       .machine = found["name"],
                       .box = found["box"],
                       .address = found["address"],
                       .box_keys = found["keys"] == "box",
                       .cpus = number_of<int>(found["cpus"]),
                       .memory = number_of<std::uint64_t>(found["memory"])};
    if (tag && (found.name == "envtool:network" || found.name == "network"))
      tag->networks.push_back({.name = found["name"],
                               .host_device = found["device"],
                               .is_bridge = found["bridge"] == "yes",
                               .mac = found["mac"],
                               .subnet = found["subnet"],
                               .address = found["address"]});
  }
  return tag;
}

}  // namespace envtool::libvirt
