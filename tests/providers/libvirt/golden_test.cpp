#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "base/process.h"
#include "places.h"
#include "providers/libvirt/domain_xml.h"
#include "providers/libvirt/network_xml.h"
#include "providers/libvirt/snapshots.h"
#include "providers/libvirt/volume_xml.h"

using namespace envtool;
using namespace envtool::libvirt;

namespace {

std::filesystem::path golden_file(const std::string& name) {
  return source_directory / "tests/providers/libvirt/golden" / name;
}

std::string golden(const std::string& name) { return read_file(golden_file(name)); }

DomainPlan a_domain() {
  const MachineNames names{"shop-web-01234567", "0123456789abcdef"};
  return {.type = "kvm",
          .name = names.machine,
          .uuid = names.uuid(),
          .tag = {.environment = names.environment,
                  .project = "shop & sons",
                  .machine = "web",
                  .box = std::string(64, 'a'),
                  .address = "10.87.0.2",
                  .cpus = 2,
                  .memory = 1ull << 30},
          .hostname = "web",
          .cpus = 2,
          .most_cpus = 4,
          .memory = {1ull << 30},
          .most_memory = {2ull << 30},
          .cpu = "host-passthrough",
          .machine_type = {},
          .disks = {{.path = "/pool/" + names.root_disk(), .target = "vda", .boots = true},
                    {.path = "/pool/" + names.seed(), .format = "raw", .target = "vdz", .read_only = true}},
          .interfaces = {{.source = network_name, .mac = names.mac()}},
          .console_log = "/pool/" + names.console()};
}

}  // namespace

TEST_CASE("a machine's domain is the golden one") { CHECK(domain_xml(a_domain()) == golden("domain.xml")); }

TEST_CASE("an emulated machine of another type and CPU is the golden one") {
  DomainPlan plan = a_domain();
  plan.type = "qemu";
  plan.cpu = "Westmere";
  plan.machine_type = "q35";

  CHECK(domain_xml(plan) == golden("domain-emulated.xml"));
}

TEST_CASE("a machine with UEFI, more disks, a CD-ROM and XML of the user's is the golden one") {
  DomainPlan plan = a_domain();
  plan.machine_type = "q35";
  plan.uefi = true;
  plan.video = "none";
  plan.disks.insert(plan.disks.end() - 1,
                    {{.path = "/pool/" + MachineNames{plan.name, plan.tag.environment}.box_disk(1),
                      .target = disk_target("vd", 1),
                      .boots = true},
                     {.path = "/pool/" + MachineNames{plan.name, plan.tag.environment}.disk("data"),
                      .target = disk_target("vd", 2),
                      .serial = "data"},
                     {.path = "/pool/tools.iso",
                      .format = "raw",
                      .target = disk_target("sd", 0),
                      .bus = "scsi",
                      .read_only = true,
                      .is_cdrom = true,
                      .boots = true}});
  plan.more = "<qemu:commandline><qemu:arg value='-snapshot'/></qemu:commandline>\n";
  plan.more_devices = "<watchdog model='i6300esb'/>\n";

  CHECK(domain_xml(plan) == golden("domain-more.xml"));
}

TEST_CASE("a machine in networks of its project and of the host is the golden one") {
  DomainPlan plan = a_domain();
  plan.tag.networks = {
      {.name = "back", .mac = "52:54:00:00:00:02", .subnet = "10.30.0.0/24", .address = "10.30.0.11"},
      {.name = "lan", .host_device = "br0", .is_bridge = true, .mac = "52:54:00:00:00:03"},
      {.name = "wire", .host_device = "eth0", .mac = "52:54:00:00:00:04"}};
  using Kind = DomainInterface::Kind;
  plan.interfaces.insert(
      plan.interfaces.end(),
      {{.source = project_network(plan.tag.environment, "back"), .mac = "52:54:00:00:00:02"},
       {.kind = Kind::bridge, .source = "br0", .mac = "52:54:00:00:00:03"},
       {.kind = Kind::direct, .source = "eth0", .mac = "52:54:00:00:00:04"}});

  CHECK(domain_xml(plan) == golden("domain-networks.xml"));
}

TEST_CASE("a machine with folders by virtiofs and 9p is the golden one") {
  DomainPlan plan = a_domain();
  plan.folders = {{.host = "/home/a & b/shop", .tag = "envtool-01234567"},
                  {.host = "/home/shop/site",
                   .tag = "envtool-89abcdef",
                   .is_virtiofs = false,
                   .access_mode = "squash",
                   .read_only = true}};

  CHECK(domain_xml(plan) == golden("domain-folders.xml"));
}

TEST_CASE("a machine of a session is the golden one") {
  DomainPlan plan = a_domain();
  plan.agent_socket = "/run/user/1000/envtool/0123.agent";
  plan.interfaces = {{.kind = DomainInterface::Kind::user, .source = {}, .mac = plan.interfaces[0].mac}};

  CHECK(domain_xml(plan) == golden("domain-session.xml"));
}

TEST_CASE("a project's networks, open, isolated and of IPv6, are the golden ones") {
  const auto xml = [](const char* name, const char* subnet, bool isolated) {
    return project_network_xml({"0123456789abcdef", name, *IpSubnet::parse_exact(subnet), isolated});
  };

  CHECK(xml("back", "10.30.0.0/24", false) == golden("network-project.xml"));
  CHECK(xml("closed", "10.31.0.0/24", true) == golden("network-isolated.xml"));
  CHECK(xml("six", "fd00:30::/64", false) == golden("network-six.xml"));
}

TEST_CASE("network, pool and volumes are the golden ones") {
  CHECK(network_xml("10.87.0", {"52:54:00:00:00:01", "web", "10.87.0.2"}) == golden("network.xml"));
  CHECK(pool_xml("envtool", "/var/lib/libvirt/envtool") == golden("storagepool.xml"));
  CHECK(volume_xml({.name = "box-1.complete"}) == golden("storagevol.xml"));
  CHECK(volume_xml({.name = "web.0123.qcow2",
                    .capacity = 10ull << 30,
                    .format = "qcow2",
                    .backing = {"/pool/a & b.qcow2", "qcow2"}}) == golden("storagevol-overlay.xml"));
}

TEST_CASE("a snapshot is the golden one") {
  CHECK(snapshot_xml("before & after") == golden("domainsnapshot.xml"));
  CHECK(snapshot_xml("part", {"vdb"}) == golden("domainsnapshot-part.xml"));
}

TEST_CASE("every document is what libvirt's own schemas allow") {
  SystemProcessRunner runner;
  for (const auto& entry : std::filesystem::directory_iterator(golden_file(""))) {
    const std::string name = entry.path().stem();
    const ProcessSpec spec{
        .argv = {"virt-xml-validate", entry.path().string(), name.substr(0, name.find('-'))}};
    const ProcessResult result = runner.run(spec, {});
    if (result.status == 127) {
      MESSAGE("virt-xml-validate is not installed");
      return;
    }
    CHECK_MESSAGE(result.ok(), name << ": " << result.output << result.error);
  }
}
