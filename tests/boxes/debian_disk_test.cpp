#include "boxes/recipes/debian_disk.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.h"

using namespace envtool;

namespace {

std::uint64_t number_at(const std::string& bytes, std::size_t place, std::size_t count) {
  std::uint64_t number = 0;
  for (std::size_t i = count; i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[place + i]);
  return number;
}

DebianBuild a_build() {
  return {.release = "bookworm",
          .mirrors = {.archive = "http://a.example/debian"},
          .keyring = "/keys/debian.gpg",
          .own_mounts = false,
          .image_fd = 7};
}

}  // namespace

TEST_CASE("the boot record holds the boot code and one bootable partition up to the end of the disk") {
  const std::string record = boot_record(std::string(512, 'b'), 10ull << 30);

  REQUIRE(record.size() == 512);
  CHECK(record.substr(0, 440) == std::string(440, 'b'));
  CHECK(number_at(record, 446, 1) == 0x80);
  CHECK(number_at(record, 450, 1) == 0x83);
  CHECK(number_at(record, 454, 4) == 2048);
  CHECK((number_at(record, 454, 4) + number_at(record, 458, 4)) * 512 == 10ull << 30);
  CHECK(record.substr(462, 48) == std::string(48, '\0'));
  CHECK(number_at(record, 510, 2) == 0xaa55);
}

TEST_CASE("a disk's build has a kernel, leaves no tar, and goes into the open image") {
  const auto words = mmdebstrap_command(a_build(), "/unused");
  const auto has = [&](const std::string& word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };

  CHECK(has("--format=null"));
  CHECK(has("--include=" + std::string(disk_packages())));
  CHECK_FALSE(has("/unused"));
  CHECK(join(words, " ").find("/proc/self/fd/7 10484736k") != std::string::npos);
}

TEST_CASE("a disk takes over its seed at every boot") {
  const std::string script = disk_script(7);
  const auto begin = script.find("#!/bin/sh");

  REQUIRE(begin != std::string::npos);
  CHECK(script.find("> \"$1\"/usr/local/sbin/envtool-seed") != std::string::npos);
  CHECK(script.find("systemctl --quiet enable envtool-seed") != std::string::npos);
}

TEST_CASE("a disk's first file system finds a disk that is none of virtio's, too") {
  const std::string script = disk_essential_script();

  for (const char* module : {"virtio_blk", "virtio_scsi", "ata_piix", "nvme"})
    CHECK(script.find(module) != std::string::npos);
  CHECK(script.find("> \"$1\"/etc/initramfs-tools/scripts/init-top/udev") != std::string::npos);
  CHECK(script.find("udevadm trigger") != std::string::npos);
}
