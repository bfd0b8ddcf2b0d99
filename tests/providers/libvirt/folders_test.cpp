#include "providers/libvirt/folders.h"

#include <doctest/doctest.h>

using namespace envtool;
using namespace envtool::libvirt;

namespace {

constexpr auto virtiofs = FolderType::virtiofs, ninep = FolderType::ninep;

const FolderHost usual{.qemu_user = 64055};

DomainPlan with_folders(std::size_t count, bool is_virtiofs = true) {
  DomainPlan plan{
      .type = "kvm", .name = "web", .memory = {1}, .most_memory = {1}, .cpu = {}, .machine_type = {}};
  for (std::size_t i = 0; i < count; ++i)
    plan.folders.push_back(
        {.host = "/srv/a & b", .tag = "envtool-" + std::to_string(i), .is_virtiofs = is_virtiofs});
  return plan;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("what a libvirt has against a folder is said") {
  FolderHost session = usual, remote = usual, no_daemon = usual, old = usual, as_root = usual, silent = usual;
  session.is_session = remote.is_remote = true;
  no_daemon.has_virtiofsd = old.has_virtiofs = false;
  as_root.qemu_user = 0;
  silent.qemu_user.reset();

  CHECK(folder_obstacle(usual, virtiofs, false).empty());
  CHECK(folder_obstacle(usual, virtiofs, true) == "virtiofs could not keep the guest from writing");
  CHECK(folder_obstacle(usual, ninep, false) == "QEMU runs as user 64055 and not as root, which 9p needs");
  CHECK(folder_obstacle(silent, ninep, false) == "QEMU runs as user ? and not as root, which 9p needs");
  CHECK(folder_obstacle(as_root, ninep, true).empty());
  CHECK(folder_obstacle(session, virtiofs, false) == "there is no virtiofs in a session of libvirt's");
  CHECK(folder_obstacle(session, ninep, false).empty());
  CHECK(folder_obstacle(remote, virtiofs, false) == "the machine is on another host");
  CHECK(folder_obstacle(remote, ninep, false) == "the machine is on another host");
  CHECK(folder_obstacle(no_daemon, virtiofs, false) == "virtiofsd is not installed");
  CHECK(folder_obstacle(old, virtiofs, false) == "this QEMU has no virtiofs");
}

TEST_CASE("the user of QEMU is the one of libvirt's DAC model") {
  CHECK(qemu_user_in("<secmodel><model>none</model></secmodel><secmodel><model>dac</model><doi>0</doi>"
                     "<baselabel type='kvm'>+64055:+109</baselabel></secmodel>") == 64055);
  CHECK_FALSE(qemu_user_in("<secmodel><model>apparmor</model></secmodel>").has_value());
  CHECK_FALSE(qemu_user_in("<secmodel><model>dac</model></secmodel><baselabel type='kvm'>+1:+1</baselabel>")
                  .has_value());
}

TEST_CASE("folders by virtiofs share the machine's memory with their daemon, others do not") {
  CHECK(has(domain_xml(with_folders(1)), "<access mode='shared'/>"));
  CHECK_FALSE(has(domain_xml(with_folders(1, false)), "memoryBacking"));
  CHECK_FALSE(has(domain_xml(with_folders(0)), "memoryBacking"));
  DomainPlan own = with_folders(1);
  own.more = "<memoryBacking><hugepages/><access mode='shared'/></memoryBacking>";
  CHECK_FALSE(has(domain_xml(own), "memfd"));
}

TEST_CASE("each folder has an address of its own, which no network device would get") {
  const std::string xml = domain_xml(with_folders(9));

  CHECK(has(xml, "slot='0x10' function='0x0' multifunction='on'/>"));
  CHECK(has(xml, "slot='0x10' function='0x7'/>"));
  CHECK(has(xml, "slot='0x11' function='0x0' multifunction='on'/>"));
}

TEST_CASE("a domain's folders are found again, and none but the core's") {
  DomainPlan plan = with_folders(2);
  plan.folders[1].is_virtiofs = false;
  plan.folders[1].read_only = true;
  plan.folders.push_back({.host = "/own", .tag = "mine"});

  const auto devices = folder_devices_in(domain_xml(plan));

  REQUIRE(devices.size() == 2);
  CHECK(devices[0] == FolderDevices::Device{"envtool-0", virtiofs, "/srv/a & b", false});
  CHECK(devices[1] == FolderDevices::Device{"envtool-1", ninep, "/srv/a & b", true});
}

TEST_CASE("in a session 9p leaves owners alone") {
  const std::vector<NativeFolder> folders = {
      {.host = "/a", .guest = "/a", .owner = {}, .covered = {}, .type = ninep}};

  CHECK(domain_folders(folders, true)[0].access_mode == "squash");
  CHECK(domain_folders(folders, false)[0].access_mode == "passthrough");
}
