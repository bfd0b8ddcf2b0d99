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

  const BoxImage image = box_images(box).at(0);

  CHECK(image.format == "qcow2");
  CHECK(image.capacity == 5ull << 30);
  CHECK(image.path == directory.path() / "box.img");
}

TEST_CASE_FIXTURE(BoxWorld, "a box of the second format names its disks in order") {
  box.metadata = parse_json(R"({"disks": [{"path": "root.img"}, {"path": "data.img"}]})", "test");
  write_file(directory.path() / "root.img", std::string(4096, '\0'));
  write_file(directory.path() / "data.img", qcow2_head(1ull << 30));

  const std::vector<BoxImage> images = box_images(box);

  REQUIRE(images.size() == 2);
  CHECK(images[0].format == "raw");
  CHECK(images[0].capacity == 4096);
  CHECK(images[1].path == directory.path() / "data.img");
}

TEST_CASE_FIXTURE(BoxWorld, "boxes without a disk, with too many, or with one elsewhere are refused") {
  CHECK_THROWS_WITH_AS(box_images(box), doctest::Contains("box.img"), Error);

  box.metadata = Value::map({{"disks", Value(Value::List(9, Value::map({{"path", "a"}})))}});
  CHECK_THROWS_WITH_AS(box_images(box), doctest::Contains("9 disks"), Error);

  box.metadata = parse_json(R"({"disks": [{"path": "../../etc/shadow"}]})", "test");
  CHECK_THROWS_WITH_AS(box_images(box), doctest::Contains("no relative path"), Error);
}
