#include "boxes/metadata.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "tests/boxes/image_maker.h"

using namespace envtool;

namespace {

/// What a box of those files is said to lack; empty when nothing.
std::string complaint(const std::string& metadata, const std::vector<std::string>& files) {
  const TemporaryDirectory directory;
  if (!metadata.empty()) write_file(directory.path() / "metadata.json", metadata);
  for (const auto& file : files) write_file(directory.path() / file, "x");
  try {
    BoxFacts facts = read_box_facts(directory.path());
    check_box_content(directory.path(), facts);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

TEST_CASE("a box has metadata.json at its root, which names its provider") {
  CHECK(complaint("", {"rootfs.tar.gz"}) == "there is no 'metadata.json' at its root");
  CHECK(complaint("{}", {"rootfs.tar.gz"}) == "'metadata.json' does not name its 'provider'");
  CHECK(complaint("[1]", {}) == "'metadata.json' does not name its 'provider'");
  CHECK(complaint("{", {}).find("metadata.json") != std::string::npos);
}

TEST_CASE("an LXC box has one of the versions that Vagrant's plugin knows") {
  CHECK(complaint(R"({"provider": "lxc", "version": "1.0.0"})", {"rootfs.tar.gz"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": 2})", {"rootfs.tar"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": "3"})", {"rootfs.tar.zst"}).empty());
  CHECK(complaint(R"({"provider": "lxc", "version": "4"})", {"rootfs.tar.gz"}) ==
        "'metadata.json' has version '4'; for lxc it is 1.0.0, 2 or 3");
  CHECK(complaint(R"({"provider": "lxc"})", {"rootfs.tar.gz"}) ==
        "'metadata.json' has no 'version'; for lxc it is 1.0.0, 2 or 3");
}

TEST_CASE("an LXC box has exactly one root file system") {
  const std::string metadata = R"({"provider": "lxc", "version": "1.0.0"})";

  CHECK(complaint(metadata, {}) == "expected one 'rootfs.tar.*' at its root, found 0");
  CHECK(complaint(metadata, {"rootfs.tar.gz", "rootfs.tar.xz"}) ==
        "expected one 'rootfs.tar.*' at its root, found 2");
  CHECK(complaint(metadata, {"rootfs.targz"}) == "expected one 'rootfs.tar.*' at its root, found 0");
}

TEST_CASE("a box for libvirt has the images of its list, in its order, else box.img") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "metadata.json",
             R"({"provider": "libvirt", "disks": [{"path": "b.img"}, {"path": "a.img", "name": "data"}]})");
  write_file(directory.path() / "a.img", qcow2_head({.size = 5 << 20}));
  write_file(directory.path() / "b.img", raw_head(4096));
  BoxFacts facts = read_box_facts(directory.path());

  check_box_content(directory.path(), facts);

  REQUIRE(facts.disks.size() == 2);
  CHECK(facts.disks[0].file == "b.img");
  CHECK(facts.disks[0].format == "raw");
  CHECK(facts.disks[0].virtual_size == ByteSize{4096});
  CHECK(facts.disks[1].format == "qcow2");
  CHECK(facts.disks[1].virtual_size == ByteSize{5 << 20});
  CHECK(complaint(R"({"provider": "libvirt", "format": "qcow2", "virtual_size": 10})", {}) ==
        "its disk image 'box.img' is missing");
}

TEST_CASE("a box's images are files of the box, each once") {
  CHECK(complaint(R"({"provider": "libvirt", "disks": [{"path": "../x"}]})", {})
            .find("expected a file of the box") != std::string::npos);
  CHECK(complaint(R"({"provider": "libvirt", "disks": [{"path": "/etc/shadow"}]})", {}).find("/etc/shadow") !=
        std::string::npos);
  CHECK(complaint(R"({"provider": "libvirt", "disks": [{}]})", {}).find("expected a file") !=
        std::string::npos);
  const TemporaryDirectory directory;
  write_file(directory.path() / "metadata.json",
             R"({"provider": "libvirt", "disks": [{"path": "a"}, {"path": "a"}]})");
  write_file(directory.path() / "a", raw_head(4096));
  BoxFacts facts = read_box_facts(directory.path());
  CHECK_THROWS_WITH(check_box_content(directory.path(), facts), "it names the disk image 'a' twice");
}

TEST_CASE("a box of VirtualBox, an old one without metadata too, has the images that its OVF names") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "box.ovf",
             "<References>\n<File ovf:id=\"1\" ovf:href=\"box-disk001.vmdk\"/>\n</References>");
  write_file(directory.path() / "box-disk001.vmdk", vmdk_head("box-disk001.vmdk", 2048));
  BoxFacts facts = read_box_facts(directory.path());

  check_box_content(directory.path(), facts);

  CHECK(facts.format == "virtualbox");
  REQUIRE(facts.disks.size() == 1);
  CHECK(facts.disks[0].format == "vmdk");
  CHECK(facts.disks[0].virtual_size == ByteSize{2048 * 512});
  CHECK(complaint(R"({"provider": "virtualbox"})", {}) == "there is no 'box.ovf' at its root");
}

TEST_CASE("what a box says of itself is kept where it is a map, and what has no effect is noted") {
  const TemporaryDirectory directory;
  write_file(directory.path() / "metadata.json", R"({"provider": "lxc", "version": "1.0.0"})");
  write_file(directory.path() / "info.json", R"({"Author": "ada"})");
  write_file(directory.path() / "lxc-config", "lxc.x = y");
  BoxFacts facts = read_box_facts(directory.path());
  CHECK(facts.info["Author"].as_text() == "ada");
  CHECK(facts.notes == std::vector<std::string>{"its file 'lxc-config' has no effect"});

  write_file(directory.path() / "info.json", "{");
  facts = read_box_facts(directory.path());
  CHECK(facts.info.is_null());
  CHECK(facts.notes.front().find("'info.json'") != std::string::npos);
}
