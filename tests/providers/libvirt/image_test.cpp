#include "providers/libvirt/image.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "providers/libvirt/disk_image.h"

using namespace envtool;
using namespace envtool::libvirt;

namespace {

struct BoxWorld {
  TemporaryDirectory directory;
  Box box{.digest = "d",
          .name = "my/box",
          .version = "1",
          .format = "libvirt",
          .directory = directory.path(),
          .metadata = Value::map({{"provider", "libvirt"}}),
          .defaults = {}};
};

}  // namespace

TEST_CASE("a qcow2 image says how large the guest's disk is") {
  const ImageFacts facts = image_facts(qcow2_head(10ull << 30));

  CHECK(facts.format == "qcow2");
  CHECK(facts.capacity == 10ull << 30);
}

TEST_CASE("an image that points at another file of the host is refused") {
  std::string backed = qcow2_head(1 << 20);
  backed[15] = 104;
  CHECK_THROWS_WITH_AS(image_facts(backed), doctest::Contains("another file"), Error);

  std::string external = qcow2_head(1 << 20);
  external[79] = 4;
  CHECK_THROWS_AS(image_facts(external), Error);
}

TEST_CASE("anything else is a raw image") { CHECK(image_facts(std::string(512, '\0')).format == "raw"); }

TEST_CASE_FIXTURE(BoxWorld, "a box of the first format has its disk in box.img") {
  write_file(directory.path() / "box.img", qcow2_head(5ull << 30));

  const BoxImage image = box_image(box);

  CHECK(image.format == "qcow2");
  CHECK(image.capacity == 5ull << 30);
  CHECK(image.path == directory.path() / "box.img");
}

TEST_CASE_FIXTURE(BoxWorld, "a box of the second format names its disk") {
  box.metadata = parse_json(R"({"disks": [{"path": "disk1.img"}]})", "test");
  write_file(directory.path() / "disk1.img", std::string(4096, '\0'));

  const BoxImage image = box_image(box);

  CHECK(image.format == "raw");
  CHECK(image.capacity == 4096);
}

TEST_CASE_FIXTURE(BoxWorld, "boxes without a disk, with several, or with one elsewhere are refused") {
  CHECK_THROWS_WITH_AS(box_image(box), doctest::Contains("box.img"), Error);

  box.metadata = parse_json(R"({"disks": [{"path": "a"}, {"path": "b"}]})", "test");
  CHECK_THROWS_WITH_AS(box_image(box), doctest::Contains("2 disks"), Error);

  box.metadata = parse_json(R"({"disks": [{"path": "../../etc/shadow"}]})", "test");
  CHECK_THROWS_WITH_AS(box_image(box), doctest::Contains("no relative path"), Error);
}
