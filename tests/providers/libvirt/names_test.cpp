#include "providers/libvirt/names.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"

using namespace envtool;
using namespace envtool::libvirt;

TEST_CASE("UUID and MAC follow from the names, and differ with each of them") {
  const MachineNames web{"shop-web-01234567", "0123456789abcdef"};
  const MachineNames db{"shop-db-01234567", "0123456789abcdef"};
  const MachineNames other{"shop-web-01234567", "fedcba9876543210"};

  CHECK(web.uuid() == MachineNames(web).uuid());
  CHECK(web.uuid().size() == 36);
  CHECK(web.mac().starts_with("52:54:00:"));
  CHECK(web.mac().size() == 17);
  CHECK(web.uuid() != db.uuid());
  CHECK(web.mac() != db.mac());
  CHECK(web.uuid() != other.uuid());
}

TEST_CASE("each network has a device, and each project a bridge that the kernel takes") {
  const MachineNames web{"shop-web-01234567", "0123456789abcdef"};

  CHECK(web.mac_in("back") != web.mac());
  CHECK(web.mac_in("back") != web.mac_in("front"));
  CHECK(project_bridge(web.environment, "back").size() <= 15);
  CHECK(project_bridge(web.environment, "back") != project_bridge("fedcba9876543210", "back"));
}

TEST_CASE("no machine's volumes begin as those of another") {
  const MachineNames one{"shop-web", "0123456789abcdef"}, two{"shop-web-2", "0123456789abcdef"};

  CHECK(one.root_disk() == "shop-web.0123456789abcdef.qcow2");
  CHECK_FALSE(two.root_disk().starts_with(one.volume_prefix()));
}

TEST_CASE("a CD-ROM's name stays with its file, and changes with what is in it") {
  const MachineNames names{"shop-web", "0123456789abcdef"};
  const TemporaryDirectory directory;
  const auto file = directory.path() / "tools.iso";
  write_file(file, "one");
  const std::string before = names.cdrom(file);

  CHECK(names.cdrom(file) == before);
  write_file(file, "another");

  CHECK(names.cdrom(file) != before);
  CHECK(before.starts_with(names.cdrom_prefix()));
  CHECK_THROWS_WITH_AS(names.cdrom("/nowhere/x.iso"), doctest::Contains("/nowhere/x.iso"), Error);
}

TEST_CASE("a mark comes back as it was, odd names included") {
  const MachineTag tag{
      .environment = "0123456789abcdef",
      .project = "a 'b' <c> & d",
      .machine = "web",
      .box = std::string(64, 'a'),
      .address = "10.87.0.2",
      .box_keys = true,
      .cpus = 2,
      .memory = 1ull << 33,
      .networks = {
          {.name = "back", .mac = "52:54:00:00:00:02", .subnet = "10.30.0.0/24", .address = "10.30.0.11"},
          {.name = "lan", .host_device = "br'0", .is_bridge = true, .mac = {}}}};

  CHECK(parse_tag(tag_xml(tag)) == tag);
}

TEST_CASE("a foreign domain has no mark") {
  CHECK_FALSE(parse_tag("<vagrant:machine xmlns:vagrant='x' id='1'/>"));
  CHECK_FALSE(parse_tag(""));
}
