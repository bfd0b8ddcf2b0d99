#include "providers/libvirt/running.h"

#include <doctest/doctest.h>

#include "providers/libvirt/snapshots.h"

using namespace envtool::libvirt;

TEST_CASE("a set of CPUs becomes libvirt's map and comes back in its shortest form") {
  CHECK(cpu_set_text(cpu_map("0-1,4", 16), 16) == "0-1,4");
  CHECK(cpu_set_text(cpu_map("3,2,1,9", 16), 16) == "1-3,9");
  CHECK(cpu_map("8", 12) == std::string("\0\1", 2));
}

TEST_CASE("all CPUs are no set") { CHECK(cpu_set_text(cpu_map("0-7", 8), 8).empty()); }

TEST_CASE("what is no set of this host's CPUs has no map") {
  for (const char* text : {"", "a", "0-", "3-1", "8", "0-8", "1,,2"}) {
    CAPTURE(text);
    CHECK(cpu_map(text, 8).empty());
  }
}

TEST_CASE("memory lies beside the disks of a machine whose firmware is in flash memory") {
  CHECK(has_room_for_memory("<domain><os><type>hvm</type></os></domain>"));
  CHECK_FALSE(has_room_for_memory(
      "<domain><os firmware='efi'><loader readonly='yes' type='pflash'>/x</loader></os></domain>"));
}

TEST_CASE("a snapshot's name and time, and whether it has memory, are read out of its description") {
  const auto saved_as = [](const std::string& state) {
    return snapshot_info("<domainsnapshot>\n  <name>before</name>\n  <state>" + state +
                         "</state>\n  <creationTime>1714558830</creationTime>\n</domainsnapshot>\n");
  };
  const auto info = saved_as("running");

  CHECK(info.name == "before");
  CHECK(info.when == "2024-05-01T10:20:30Z");
  CHECK(info.has_memory);
  CHECK_FALSE(saved_as("shutoff").has_memory);
}
