#include "providers/libvirt/console.h"

#include <doctest/doctest.h>

using envtool::libvirt::ConsoleKeys;

TEST_CASE("what is typed goes to the guest") {
  ConsoleKeys keys;

  CHECK(keys.for_guest("ls\r\x03") == "ls\r\x03");
  CHECK_FALSE(keys.has_left());
}

TEST_CASE("Ctrl-a q leaves the console, also when its keys come one by one") {
  ConsoleKeys keys;

  CHECK(keys.for_guest("ls\x01") == "ls");
  CHECK(keys.for_guest("quit").empty());
  CHECK(keys.has_left());
}

TEST_CASE("Ctrl-a twice is one for the guest, and another key after it is that key") {
  ConsoleKeys keys;

  CHECK(keys.for_guest("\x01\x01q\x01x") == "\x01qx");
  CHECK_FALSE(keys.has_left());
}
