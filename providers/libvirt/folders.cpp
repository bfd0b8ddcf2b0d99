#include "providers/libvirt/folders.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>

#include "base/files.h"
#include "base/value.h"
#include "providers/libvirt/xml.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view tag_prefix = "envtool-";
/// Of QEMU's "vhost-user backend program" descriptions. Source: docs/interop/vhost-user.json of QEMU.
constexpr const char* daemon_directories[] = {"/usr/share/qemu/vhost-user", "/etc/qemu/vhost-user"};

}  // namespace

std::optional<std::int64_t> qemu_user_in(std::string_view capabilities_xml) {
  const auto model = capabilities_xml.find("<model>dac</model>");
  if (model == std::string_view::npos) return std::nullopt;
  const std::string_view rest = capabilities_xml.substr(model);
  const auto label = rest.find("<baselabel type='kvm'>+");
  if (label == std::string_view::npos || label > rest.find("</secmodel>")) return std::nullopt;
  const std::string_view digits = rest.substr(rest.find('+', label) + 1);
  std::int64_t user = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), user);
  return code == std::errc() ? std::optional(user) : std::nullopt;
}

bool has_virtiofsd() {
  for (const char* const directory : daemon_directories) {
    std::error_code missing;
    for (fs::directory_iterator entry(directory, missing), end; !missing && entry != end;
         entry.increment(missing)) {
      try {
        const Value description = parse_json(read_file(entry->path()), entry->path().string());
        if (description["type"].as_text() == "fs" && fs::exists(description["binary"].as_text())) return true;
      } catch (const Error&) {
        // A file of somebody else's that libvirt could not read either.
      }
    }
  }
  return false;
}

FolderHost folder_host(const Connection& connection, const std::string& driver) {
  FolderHost host{.is_qemu = !connection.is_double(),
                  .is_remote = !connection.is_local(),
                  .is_session = connection.is_session()};
  if (!host.is_qemu || host.is_remote) return host;
  host.has_virtiofs = connection.has_virtiofs(connection.domain_type(driver));
  host.has_virtiofsd = has_virtiofsd();
  if (host.is_session) {
    host.qemu_user = ::geteuid();
  } else if (const Text xml(api().virConnectGetCapabilities(connection.get())); xml) {
    host.qemu_user = qemu_user_in(xml.get());
  }
  return host;
}

std::string folder_obstacle(const FolderHost& host, FolderType type, bool read_only) {
  if (!host.is_qemu) return "libvirt's test driver has no files";
  if (host.is_remote) return "the machine is on another host";
  if (type == FolderType::virtiofs) {
    // libvirt 9 has neither, and what later ones have was not tried.
    if (host.is_session) return "there is no virtiofs in a session of libvirt's";
    if (read_only) return "virtiofs could not keep the guest from writing";
    if (!host.has_virtiofs) return "this QEMU has no virtiofs";
    return host.has_virtiofsd ? "" : "virtiofsd is not installed";
  }
  if (host.is_session || host.qemu_user == 0) return {};
  return fmt::format("QEMU runs as user {} and not as root, which 9p needs",
                     host.qemu_user ? std::to_string(*host.qemu_user) : "?");
}

std::vector<DomainFolder> domain_folders(const std::vector<NativeFolder>& folders, bool is_session) {
  std::vector<DomainFolder> made;
  for (const NativeFolder& folder : folders) {
    const bool is_virtiofs = folder.type == FolderType::virtiofs;
    // In a session QEMU may not change owners; what it makes is the user's own.
    made.push_back({.host = folder.host,
                    .tag = folder.tag,
                    .is_virtiofs = is_virtiofs,
                    .access_mode = is_session && !is_virtiofs ? "squash" : "passthrough",
                    .read_only = folder.read_only});
  }
  return made;
}

std::vector<FolderDevices::Device> folder_devices_in(std::string_view domain_xml) {
  std::vector<FolderDevices::Device> devices;
  std::optional<FolderDevices::Device> device;
  for (const XmlTag& tag : xml_tags(domain_xml)) {
    if (tag.name == "filesystem") device.emplace(FolderDevices::Device{.type = FolderType::ninep});
    if (!device) continue;
    if (tag.name == "driver" && tag["type"] == "virtiofs") device->type = FolderType::virtiofs;
    if (tag.name == "source") device->host = tag["dir"];
    if (tag.name == "readonly") device->read_only = true;
    if (tag.name == "target") device->tag = tag["dir"];
    if (tag.name != "address") continue;
    // The last of its elements that libvirt writes.
    if (device->tag.starts_with(tag_prefix)) devices.push_back(std::move(*device));
    device.reset();
  }
  return devices;
}

}  // namespace envtool::libvirt
