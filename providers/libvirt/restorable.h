#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

/// Whether a snapshot can be restored to the end: values from values.
namespace envtool::libvirt {

/// What libvirt's description of a snapshot says of the machine as it was. libvirt makes it so again: how
/// many CPUs, how much memory and which devices it has come out of it, and need not be those of now.
struct SnapshotFacts {
  struct Disk {
    std::string target;    ///< "vdb"
    std::string file;      ///< where it lay
    bool is_part = false;  ///< the snapshot has its content
  };
  bool has_memory = false;
  std::string type, architecture, machine;  ///< "kvm", "x86_64", "pc-i440fx-7.2"
  std::string cpu;                          ///< as cpu_in_words has it
  bool is_uefi = false;
  std::vector<Disk> disks;
  std::vector<std::string> networks;  ///< of libvirt's
};
SnapshotFacts snapshot_facts(std::string_view xml);

/// What there is now.
struct SnapshotWorld {
  std::string directory;           ///< of our pool: of disks elsewhere nothing is known
  std::set<std::string> files;     ///< of volumes in it
  std::set<std::string> kept;      ///< of those, disks that outlive the machine
  std::set<std::string> networks;  ///< of libvirt's
  /// What libvirt has as the machine's definition, once add_definition has seen it.
  bool is_defined = false;
  std::string machine, cpu;
  bool is_uefi = false;
};
/// What a domain's XML, as libvirt keeps it for the next start, says of the CPU: "'host-passthrough'",
/// "'qemu64' disable 'svm'", "of QEMU's own choice".
std::string cpu_in_words(std::string_view domain_xml);
/// Takes machine, CPU and firmware out of the XML of a domain's definition.
void add_definition(SnapshotWorld& world, std::string_view domain_xml);

/// The reason that a disk is kept since.
std::string outlives(const std::string& target, const std::string& volume);

/// What stands against it, each a clause with the object; empty when nothing does.
std::vector<std::string> why_not_restorable(const SnapshotFacts& snapshot, const SnapshotWorld& world);

}  // namespace envtool::libvirt
