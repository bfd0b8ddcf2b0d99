#pragma once

#include <string>
#include <vector>

#include "base/size.h"
#include "providers/libvirt/names.h"

namespace envtool::libvirt {

struct DomainDisk {
  std::string path;
  std::string format = "qcow2";
  std::string target;  ///< "vda"
  std::string bus = "virtio";
  std::string serial;  ///< by which the guest knows it; may be empty
  bool read_only = false;
  bool is_cdrom = false;
  bool boots = false;  ///< the firmware tries those that do in their order
};

/// A network device; the guest knows it by its MAC address.
struct DomainInterface {
  enum class Kind {
    network,  ///< of libvirt's
    bridge,   ///< of the host's
    direct,   ///< over a device of the host's (macvtap), which the host itself does not reach
    user      ///< QEMU's own, without a source
  } kind = Kind::network;
  std::string source;
  std::string mac;
};

/// A folder of the host's, which the guest mounts by its tag.
struct DomainFolder {
  std::string host, tag;
  /// The daemon virtiofsd serves it; else QEMU itself does by 9p, under `access_mode`.
  bool is_virtiofs = true;
  std::string access_mode = "passthrough";
  bool read_only = false;
};

/// A machine as libvirt is to make it.
struct DomainPlan {
  std::string type;  ///< "kvm", "qemu"
  std::string name, uuid;
  MachineTag tag;
  std::string hostname;
  int cpus = 1, most_cpus = 1;
  ByteSize memory, most_memory;  ///< while it runs it can be given up to the most
  std::string cpu;               ///< "host-passthrough", "host-model", "max" or a model; empty: none is said
  std::string machine_type;      ///< empty: libvirt's choice
  bool uefi = false;             ///< else BIOS
  std::string video = "vga";     ///< a model of libvirt's, or "none"
  std::string more, more_devices;  ///< the user's own elements of the domain, and of its devices
  std::vector<DomainDisk> disks;
  std::vector<DomainInterface> interfaces;
  std::vector<DomainFolder> folders;
  std::string agent_socket;  ///< empty: libvirt chooses its place
  std::string console_log;   ///< a file of the host that holds libvirt
};

/// The domain's XML. Source of the format: libvirt.org/formatdomain.html.
std::string domain_xml(const DomainPlan& plan);

/// The text by which a guest learns its host name at each boot, in an OEM string of its SMBIOS.
std::string hostname_string(const std::string& hostname);

}  // namespace envtool::libvirt
