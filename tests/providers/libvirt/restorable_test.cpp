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

namespace {

/// As libvirt describes one of a running machine, whose CPU it has made of its definition.
std::string with_memory(const std::string& cpu, const std::string& loader) {
  return fmt::format(R"(<domainsnapshot><state>running</state>
  <domain type='kvm'>
    <os><type arch='x86_64' machine='pc-i440fx-7.2'>hvm</type>{1}</os>
    <cpu mode='custom' match='exact'><model fallback='forbid'>Skylake</model></cpu>
  </domain>
  <inactiveDomain type='kvm'>{0}</inactiveDomain>
</domainsnapshot>)",
                     cpu, loader);
}

SnapshotWorld defined_as(const std::string& machine, const std::string& cpu) {
  SnapshotWorld world = whole_world();
  add_definition(world,
                 fmt::format("<domain type='kvm'><os><type arch='x86_64' machine='{}'>hvm</type></os>{}"
                             "</domain>",
                             machine, cpu));
  return world;
}

constexpr const char* passthrough = "<cpu mode='host-passthrough' check='none' migratable='on'/>";
constexpr const char* model =
    "<cpu mode='custom' match='exact'>\n  <model fallback='forbid'>qemu64</model>\n"
    "  <feature policy='disable' name='svm'/>\n</cpu>";

}  // namespace

TEST_CASE("a CPU is told by its mode, or by its model with its features") {
  CHECK(cpu_in_words(passthrough) == "'host-passthrough'");
  CHECK(cpu_in_words(model) == "'qemu64' disable 'svm'");
  CHECK(cpu_in_words("<domain><vcpu>2</vcpu><cputune/></domain>") == "of QEMU's own choice");
}

TEST_CASE("memory comes back into the same kind of machine, whatever QEMU calls the newest of it") {
  const SnapshotFacts facts = snapshot_facts(with_memory(passthrough, ""));

  CHECK(why_not_restorable(facts, defined_as("pc-i440fx-9.0", passthrough)).empty());
}

TEST_CASE("memory of another CPU, firmware or machine type is refused; disks alone do not mind") {
  SnapshotFacts facts =
      snapshot_facts(with_memory(passthrough, "<loader readonly='yes' type='pflash'>/ovmf</loader>"));
  const SnapshotWorld world = defined_as("pc-q35-7.2", model);

  CHECK(why_not_restorable(facts, world) ==
        std::vector<std::string>{
            "its memory is that of a machine of type 'pc-i440fx-7.2', and it is of type 'pc-q35-7.2' now",
            "its memory is that of a CPU 'host-passthrough', and it has a CPU 'qemu64' disable 'svm' now",
            "its memory is that of a machine with UEFI, and it has BIOS now"});
  facts.has_memory = false;
  CHECK(why_not_restorable(facts, world).empty());
}
