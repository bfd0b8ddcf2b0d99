#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// Names, numbers and marks of what a machine has in libvirt: values to values.
namespace envtool::libvirt {

/// What belongs to one machine. Everything follows from the two names, so that a half-made machine is found
/// and removed without anything written down.
struct MachineNames {
  std::string machine;      ///< its backend name, which is the domain's
  std::string environment;  ///< the environment's id

  std::string uuid() const;
  /// In QEMU's range.
  std::string mac() const;
  /// Of its device in that network of the Envfile's.
  std::string mac_in(std::string_view network) const;
  /// Volumes have no place for a mark: their names carry the environment's id.
  std::string volume(std::string_view suffix) const;
  /// Over the box's disk of that number; 0 is the one it boots from.
  std::string box_disk(std::size_t number) const;
  std::string root_disk() const { return box_disk(0); }
  bool is_box_disk(std::string_view volume) const { return !volume.starts_with(disk_prefix()); }
  std::string seed() const { return volume("seed.iso"); }
  std::string console() const { return volume("console"); }
  std::string disk(std::string_view name) const { return disk_prefix() + std::string(name) + ".qcow2"; }
  std::string disk_prefix() const { return volume("disk-"); }
  /// The memory of the machine in that snapshot, where QEMU cannot put it into a disk.
  std::string memory(std::string_view snapshot) const { return volume("memory-" + std::string(snapshot)); }
  /// Says that the disk outlives the machine.
  std::string kept_mark(std::string_view name) const { return volume("keep-" + std::string(name)); }
  /// Says that the copies of its disks for that snapshot are complete.
  std::string copy_mark(std::string_view snapshot) const { return volume("copy-" + std::string(snapshot)); }
  /// A copy of that file of the host's, as it is now: another one has another name.
  std::string cdrom(const std::filesystem::path& file) const;
  /// What the names of all its CD-ROMs begin with.
  std::string cdrom_prefix() const { return volume("cdrom-"); }
  /// What the names of all its volumes begin with.
  std::string volume_prefix() const { return volume(""); }
};

/// The volume with a box's disk of that number, and the empty one that says that all of them are complete.
std::string box_volume(const std::string& digest, std::size_t number);
std::string complete_volume(const std::string& digest);
/// What the names of all volumes of the box begin with.
std::string box_volume_prefix(const std::string& digest);

/// "vda", "hdb": a disk's name for the guest, by its number among those of its kind.
std::string disk_target(std::string_view kind, std::size_t number);

/// Our pool of volumes and our network: shared by all machines of a connection, removed when nobody needs
/// them.
inline constexpr const char* pool_name = "envtool";
inline constexpr const char* network_name = "envtool";
inline constexpr const char* bridge_name = "virbr-envtool";
/// The namespace of our elements in others' XML.
inline constexpr const char* xml_namespace = "urn:envtool:1";
/// In the metadata of a box that envtool packaged: its guest takes keys and name from a seed.
inline constexpr const char* reads_seed_key = "reads_seed";

/// A project's network as libvirt has it, and its bridge on the host: at most 15 bytes.
std::string project_network(const std::string& environment, const std::string& network);
std::string project_bridge(const std::string& environment, const std::string& network);

/// A machine's place in a network of the Envfile's.
struct NetworkLink {
  std::string name;
  std::string host_device;  ///< the host's, a bridge or not; empty: a network of the project's own
  bool is_bridge = false;   ///< of `host_device`: else the guest's device lies over it (macvtap)
  std::string mac;
  std::string subnet;   ///< "10.30.0.0/24"; empty: nobody says
  std::string address;  ///< empty: whoever serves the network gives it one

  bool operator==(const NetworkLink&) const = default;
};

/// What a domain says of itself in its metadata: whose it is, and what cannot be asked elsewhere.
struct MachineTag {
  std::string environment, project, machine;
  std::string box;        ///< digest
  std::string address;    ///< IPv4, reserved for it
  bool box_keys = false;  ///< it comes up with the keys of its box: what Vagrant's boxes do
  int cpus = 0;           ///< as it was made, for an Envfile that does not say
  std::uint64_t memory = 0;
  std::vector<NetworkLink> networks = {};

  bool operator==(const MachineTag&) const = default;
};
/// The element with its namespace declared.
std::string tag_xml(const MachineTag& tag);
/// Nothing for an element that is not ours.
std::optional<MachineTag> parse_tag(std::string_view xml);

}  // namespace envtool::libvirt
