#include <doctest/doctest.h>

#include "providers/libvirt/copies.h"
#include "providers/libvirt/live_copy.h"

using namespace envtool::libvirt;

namespace {

const MachineNames web{"web", "0123456789abcdef"};
const std::string root = web.root_disk(), data = web.disk("data");

std::string domain_with(const std::string& disks) { return "<domain>" + disks + "</domain>"; }
std::string disk(const std::string& volume, const std::string& target) {
  return "<disk><source file='/pool/" + volume +
         "'/><backingStore type='file'><source file='/pool/box-1.qcow2'/></backingStore><target dev='" +
         target + "'/></disk>";
}

std::vector<std::string> reasons(const CopiedDisks& copy, const std::vector<OwnDisk>& disks,
                                 const std::set<std::string>& kept = {}) {
  return why_not_restorable(copy, disks, kept);
}

}  // namespace

TEST_CASE("a volume's name says of which disk it is, and since when") {
  CHECK(saved_volume(root, 1764558830) == root + "@1764558830");
  CHECK(restored_volume(root, 1764558830) == root + "+1764558830");
  CHECK(first_volume(saved_volume(root, 7)) == root);
  CHECK(first_volume(restored_volume(data, 7)) == data);
  CHECK(first_volume(data) == data);
  CHECK(web.is_box_disk(restored_volume(root, 7)));
  CHECK(web.is_box_disk(web.box_disk(1)));
  CHECK_FALSE(web.is_box_disk(restored_volume(data, 7)));
}

TEST_CASE("a machine's own disks are those that it writes into, whatever they lie over") {
  const std::string xml = domain_with(disk(restored_volume(root, 7), "vda") + disk(data, "vdb") +
                                      disk(web.seed(), "vdz") + disk("other.0123456789abcdef.qcow2", "vdc"));

  const std::vector<OwnDisk> disks = own_disks(xml, web);

  REQUIRE(disks.size() == 2);
  CHECK(disks[0].target == "vda");
  CHECK(disks[0].volume == restored_volume(root, 7));
  CHECK(disks[1].volume == data);
}

TEST_CASE("a copy counts once it has its mark, the oldest first") {
  const std::string second = saved_volume(web.copy_mark("second"), 9),
                    first = saved_volume(web.copy_mark("one"), 7);
  const std::vector<std::string> volumes = {second, saved_volume(root, 9),     saved_volume(data, 9),
                                            first,  saved_volume(root, 7),     saved_volume(root, 11),
                                            root,   restored_volume(root, 10), web.copy_mark("no-moment")};

  const std::vector<CopiedDisks> copies = copies_among(volumes, web);

  REQUIRE(copies.size() == 2);
  CHECK(copies[0].snapshot == "one");
  CHECK(copies[0].volumes == std::vector<std::string>{saved_volume(root, 7)});
  CHECK(copies[1].snapshot == "second");
  CHECK(copies[1].moment == 9);
  CHECK(copies[1].mark == second);
  CHECK(copies[1].volumes == std::vector<std::string>{saved_volume(root, 9), saved_volume(data, 9)});
}

TEST_CASE("a copy is restorable while the machine has its disks, and nobody keeps them") {
  const CopiedDisks copy{"one", 7, "mark", {saved_volume(root, 7), saved_volume(data, 7)}};
  const OwnDisk first{"vda", restored_volume(root, 9)}, second{"vdb", data}, more{"vdc", web.disk("more")};

  CHECK(reasons(copy, {first, second, more}).empty());
  const auto lost = reasons(copy, {first});
  REQUIRE(lost.size() == 1);
  CHECK(lost[0] == "the machine has lost the disk whose volume was '" + data + "'");
  const auto kept = reasons(copy, {first, second}, {data});
  REQUIRE(kept.size() == 1);
  CHECK(kept[0].starts_with("its disk vdb, the volume '" + data + "', outlives the machine"));
}

TEST_CASE("a volume is unused when nobody needs it or what lies over it") {
  const std::map<std::string, std::string> volumes = {
      {"now", "saved"}, {"saved", "older"}, {"older", "box"}, {"left", "saved"}, {"lost", ""}};

  CHECK(unused_volumes(volumes, {"now"}) == std::vector<std::string>{"left", "lost"});
  CHECK(unused_volumes(volumes, {"older"}) == std::vector<std::string>{"left", "lost", "now", "saved"});
  CHECK(unused_volumes(volumes, {"now", "left", "lost", "elsewhere"}).empty());
}

TEST_CASE("what is copied into is told to libvirt as a disk") {
  CHECK(copy_target_xml("/pool/a & b.qcow2") ==
        "<disk type='file'>\n  <driver type='qcow2'/>\n  <source file='/pool/a &amp; b.qcow2'/>\n</disk>\n");
}
