#include "boxes/disk_image.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"
#include "tests/boxes/image_maker.h"

using namespace envtool;

namespace {

/// What is said of an image with that content; its format when it is fine.
std::string verdict(const std::string& content) {
  const TemporaryDirectory directory;
  write_file(directory.path() / "d", content);
  try {
    return read_disk_image(directory.path(), "d").format;
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace

TEST_CASE("an image is what its first bytes say") {
  CHECK(verdict(qcow2_head({.size = 1 << 30})) == "qcow2");
  CHECK(verdict(qcow2_head({.size = 1 << 30, .version = 2})) == "qcow2");
  CHECK(verdict(vmdk_head("d", 100)) == "vmdk");
  CHECK(verdict(raw_head(1 << 20)) == "raw");
  CHECK(verdict("x") == "its disk image 'd' is neither qcow2, vmdk nor a raw disk with a boot sector");
  CHECK(verdict("") == "its disk image 'd' is neither qcow2, vmdk nor a raw disk with a boot sector");
}

TEST_CASE("an image that would show the guest a file of the host is refused") {
  CHECK(verdict(qcow2_head({.size = 1, .backing = 512})) ==
        "its disk image 'd' is based on another file, which a box may not be");
  CHECK(verdict(qcow2_head({.size = 1, .incompatible = 4})) ==
        "its disk image 'd' has its data in another file, which a box's may not");
  CHECK(verdict(qcow2_head({.size = 1, .version = 9})) == "its disk image 'd' is qcow2 of version 9");
  CHECK(verdict(vmdk_head("/dev/sda", 1)) ==
        "its disk image 'd' refers to '/dev/sda', which is not in the box");
  CHECK(verdict("# Disk DescriptorFile\nRW 100 FLAT \"/etc/shadow\" 0\n") ==
        "its disk image 'd' refers to '/etc/shadow', which is not in the box");
  CHECK(verdict("# Disk DescriptorFile\nRW 100 FLAT \"gone.vmdk\" 0\n") ==
        "its disk image 'd' refers to 'gone.vmdk', which is not in the box");
  CHECK(verdict("# Disk DescriptorFile\nparentFileNameHint=\"/x\"\n") ==
        "its disk image 'd' is based on another file, which a box may not be");
}

TEST_CASE("an image that is cut off within its header is judged by what is there") {
  for (const std::string& whole :
       {qcow2_head({.size = 1, .backing = 512}), vmdk_head("/dev/sda", 1), raw_head(1024)})
    for (std::size_t size = 0; size < 600; ++size) CHECK_NOTHROW(verdict(whole.substr(0, size)));
}

TEST_CASE("a link is no image") {
  const TemporaryDirectory directory;
  std::filesystem::create_symlink("/etc/hostname", directory.path() / "d");

  CHECK_THROWS_WITH(read_disk_image(directory.path(), "d"), "its disk image 'd' is missing");
}
