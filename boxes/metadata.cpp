#include "boxes/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"
#include "boxes/disk_image.h"
#include "boxes/rootfs.h"
#include "boxes/vagrantfile.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_text = 1 << 20;
constexpr std::size_t most_disks = 64;

bool has_file(const fs::path& path) { return fs::is_regular_file(fs::symlink_status(path)); }

void check_lxc(const fs::path& directory, const Value& metadata) {
  const Value& version = metadata["version"];
  const std::string found =
      version.is_integer() ? fmt::format("{}", version.as_integer()) : version.as_text();
  if (found != "1.0.0" && found != "2" && found != "3")
    throw Error(ErrorKind::failed,
                found.empty()
                    ? std::string("'metadata.json' has no 'version'; for lxc it is 1.0.0, 2 or 3")
                    : fmt::format("'metadata.json' has version '{}'; for lxc it is 1.0.0, 2 or 3", found));
  int archives = 0;
  for (const auto& entry : fs::directory_iterator(directory))
    if (entry.is_regular_file() && is_rootfs_name(entry.path().filename().string())) ++archives;
  if (read_rootfs_record(directory)) ++archives;
  if (archives != 1)
    throw Error(ErrorKind::failed,
                fmt::format("expected one 'rootfs.tar.*' at its root, found {}", archives));
}

/// Only a file of the box itself: no directory, and nothing outside.
void check_name(const std::string& name, std::string_view where) {
  if (name.empty() || name == "." || name == ".." || name.find_first_of("/\\") != std::string::npos)
    throw Error(ErrorKind::failed,
                fmt::format("{} names the disk image '{}', expected a file of the box", where, name));
}

std::vector<std::string> libvirt_images(const Value& metadata) {
  std::vector<std::string> names;
  for (const Value& disk : metadata["disks"].items()) {
    names.push_back(disk["path"].as_text());
    check_name(names.back(), "'disks' of 'metadata.json'");
  }
  if (names.empty()) names.push_back("box.img");
  return names;
}

/// What the `File` elements of an OVF refer to, in their order.
std::vector<std::string> ovf_images(const std::string& ovf) {
  std::vector<std::string> names;
  for (std::size_t place = 0; (place = ovf.find("<File ", place)) != std::string::npos; ++place) {
    const std::string element = ovf.substr(place, ovf.find('>', place) - place);
    const auto begin = element.find("href=\"");
    if (begin == std::string::npos) continue;
    names.push_back(element.substr(begin + 6, element.find('"', begin + 6) - begin - 6));
    check_name(names.back(), "'box.ovf'");
    if (names.back().ends_with(".iso") || names.back().ends_with(".nvram")) names.pop_back();
  }
  return names;
}

std::vector<std::string> virtualbox_images(const fs::path& directory) {
  const auto ovf = read_file_if_there(directory / "box.ovf", largest_text);
  if (!ovf) throw Error(ErrorKind::failed, "there is no 'box.ovf' at its root");
  return ovf_images(*ovf);
}

void find_disks(const fs::path& directory, std::vector<std::string> names, std::vector<BoxDisk>& disks) {
  if (names.size() > most_disks)
    throw Error(ErrorKind::failed,
                fmt::format("it has {} disk images, more than {}", names.size(), most_disks));
  for (const std::string& name : names) disks.push_back(read_disk_image(directory, name));
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end())
    throw Error(ErrorKind::failed, fmt::format("it names the disk image '{}' twice", *twice));
}

Value read_info(const fs::path& directory, BoxFacts& facts) {
  const auto text = read_file_if_there(directory / "info.json", largest_text);
  if (!text) return {};
  try {
    Value info = parse_json(*text, "'info.json'");
    if (info.is_map()) return info;
    facts.notes.push_back("its 'info.json' is no map");
  } catch (const Error& error) {
    facts.notes.push_back(error.what());
  }
  return {};
}

void read_defaults(const fs::path& directory, BoxFacts& facts) {
  for (const char* name : {"Vagrantfile", "vagrantfile"}) {
    const auto text = read_file_if_there(directory / name, largest_text);
    if (!text) continue;
    Vagrantfile found = read_vagrantfile(*text, facts.format);
    facts.defaults = std::move(found.defaults);
    facts.notes.insert(facts.notes.end(), found.notes.begin(), found.notes.end());
    break;
  }
  for (const char* name : {"include/_Vagrantfile", "lxc-config", "lxc.conf", "lxc-template"})
    if (has_file(directory / name)) facts.notes.push_back(fmt::format("its file '{}' has no effect", name));
}

}  // namespace

BoxFacts read_box_facts(const fs::path& directory) {
  BoxFacts facts;
  if (const auto text = read_file_if_there(directory / "metadata.json", largest_text))
    facts.metadata = parse_json(*text, "'metadata.json'");
  else if (has_file(directory / "box.ovf"))
    facts.metadata = Value::map({{"provider", "virtualbox"}});
  else
    throw Error(ErrorKind::failed, "there is no 'metadata.json' at its root");
  facts.format = facts.metadata["provider"].as_text();
  if (facts.format.empty()) throw Error(ErrorKind::failed, "'metadata.json' does not name its 'provider'");
  facts.info = read_info(directory, facts);
  read_defaults(directory, facts);
  return facts;
}

void check_box_content(const fs::path& directory, BoxFacts& facts) {
  facts.disks.clear();
  if (facts.format == "lxc") check_lxc(directory, facts.metadata);
  if (facts.format == "libvirt") find_disks(directory, libvirt_images(facts.metadata), facts.disks);
  if (facts.format == "virtualbox") find_disks(directory, virtualbox_images(directory), facts.disks);
}

Value disk_metadata(const BoxDisk& disk) {
  constexpr std::uint64_t gibibyte = 1 << 30;
  return Value::map(
      {{"provider", "libvirt"},
       {"format", disk.format},
       {"image", true},
       {"virtual_size", static_cast<std::int64_t>((disk.virtual_size.bytes + gibibyte - 1) / gibibyte)}});
}

}  // namespace envtool
