#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/folder_devices.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/domain_xml.h"

/// Folders of the host's as devices of a machine.
namespace envtool::libvirt {

/// What a libvirt has for folders.
struct FolderHost {
  bool is_qemu = true;  ///< false: libvirt's own double
  bool is_remote = false;
  bool is_session = false;
  bool has_virtiofs = true;               ///< its QEMU
  bool has_virtiofsd = true;              ///< the daemon that serves it, on this host
  std::optional<std::int64_t> qemu_user;  ///< whose files QEMU can use; nothing: libvirt does not say
};
/// Asks it. `driver`: as in the Envfile.
FolderHost folder_host(const Connection& connection, const std::string& driver);
/// What speaks against a folder by virtiofs or 9p, as words that go on a sentence; empty: nothing.
std::string folder_obstacle(const FolderHost& host, FolderType type, bool read_only);

/// The user that QEMU runs as, out of libvirt's capabilities.
std::optional<std::int64_t> qemu_user_in(std::string_view capabilities_xml);
/// Whether a daemon for virtiofs is installed here, where libvirt looks for it.
bool has_virtiofsd();

std::vector<DomainFolder> domain_folders(const std::vector<NativeFolder>& folders, bool is_session);
/// The core's in a domain's description.
std::vector<FolderDevices::Device> folder_devices_in(std::string_view domain_xml);

}  // namespace envtool::libvirt
