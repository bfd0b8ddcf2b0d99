#include "providers/libvirt/restorable.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

using namespace envtool::libvirt;

namespace {

/// As libvirt describes one of a machine with two disks and a CD-ROM.
std::string snapshot_of(const std::string& state) {
  return fmt::format(R"(<domainsnapshot>
  <name>before</name>
  <state>{}</state>
  <disks>
    <disk name='vda' snapshot='internal'/>
    <disk name='vdb' snapshot='internal'/>
    <disk name='sda' snapshot='no'/>
  </disks>
  <domain type='kvm'>
    <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type></os>
    <devices>
      <disk type='file' device='disk'><source file='/pool/m.qcow2'/><target dev='vda' bus='virtio'/></disk>
      <disk type='file' device='disk'><source file='/pool/m.disk-pg.qcow2'/><target dev='vdb' bus='virtio'/></disk>
      <disk type='file' device='cdrom'><source file='/pool/m.cdrom-1.iso'/><target dev='sda' bus='scsi'/></disk>
      <interface type='network'><source network='envtool'/><target dev='vnet0'/></interface>
      <interface type='network'><source network='envtool-e-lan'/></interface>
    </devices>
  </domain>
  <inactiveDomain type='kvm'><devices>
    <disk type='file' device='disk'><source file='/pool/other.qcow2'/><target dev='vdc' bus='virtio'/></disk>
  </devices></inactiveDomain>
</domainsnapshot>)",
                     state);
}

SnapshotWorld whole_world() {
  return {.directory = "/pool",
          .files = {"/pool/m.qcow2", "/pool/m.disk-pg.qcow2", "/pool/m.cdrom-1.iso"},
          .kept = {},
          .networks = {"envtool", "envtool-e-lan"}};
}

}  // namespace

TEST_CASE("a snapshot's description says what the machine was") {
  const SnapshotFacts facts = snapshot_facts(snapshot_of("running"));

  CHECK(facts.has_memory);
  CHECK(facts.type == "kvm");
  CHECK(facts.architecture == "x86_64");
  CHECK(facts.machine == "pc-i440fx-7.2");
  REQUIRE(facts.disks.size() == 3);
  CHECK(facts.disks[1].file == "/pool/m.disk-pg.qcow2");
  CHECK(facts.disks[1].is_part);
  CHECK_FALSE(facts.disks[2].is_part);
  CHECK(facts.networks == std::vector<std::string>{"envtool", "envtool-e-lan"});
}

TEST_CASE("a snapshot is restorable while all that it needs is there, whatever came since") {
  SnapshotWorld world = whole_world();
  world.files.insert("/pool/m.disk-new.qcow2");
  world.networks.insert("envtool-e-new");

  CHECK(why_not_restorable(snapshot_facts(snapshot_of("running")), world).empty());
  CHECK(why_not_restorable(snapshot_facts(snapshot_of("shutoff")), world).empty());
}

TEST_CASE("a snapshot is refused when one of its disks is gone, and with memory when anything is") {
  SnapshotWorld world = whole_world();
  world.files = {"/pool/m.qcow2"};
  world.networks = {"envtool"};

  const auto stopped = why_not_restorable(snapshot_facts(snapshot_of("shutoff")), world);
  const auto running = why_not_restorable(snapshot_facts(snapshot_of("running")), world);

  CHECK(stopped == std::vector<std::string>{"its disk vdb, the volume 'm.disk-pg.qcow2', is gone"});
  CHECK(running == std::vector<std::string>{"its disk vdb, the volume 'm.disk-pg.qcow2', is gone",
                                            "its disk sda, the volume 'm.cdrom-1.iso', is gone",
                                            "its network 'envtool-e-lan' is gone"});
}

TEST_CASE("a snapshot is refused when it would take away what is on a disk that is kept since") {
  SnapshotWorld world = whole_world();
  world.kept = {"/pool/m.disk-pg.qcow2"};

  const auto reasons = why_not_restorable(snapshot_facts(snapshot_of("shutoff")), world);

  REQUIRE(reasons.size() == 1);
  CHECK(reasons[0].find("outlives the machine") != std::string::npos);
}

TEST_CASE("of a disk outside of our pool nothing is known, and nothing is said") {
  SnapshotWorld world = whole_world();
  world.directory = "/elsewhere";

  CHECK(why_not_restorable(snapshot_facts(snapshot_of("running")), world).empty());
}
