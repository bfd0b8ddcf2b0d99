#include "providers/lxc/parts/guest_options.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {}  // namespace

TEST_CASE("a guest's options are read, and without any it gets nothing") {
  const GuestOptions options =
      parse_guest_options(Value::map({{"nesting", true},
                                      {"tmpfs", 64 << 20},
                                      {"devices", Value::texts({"/dev/net/tun"})},
                                      {"drop_capabilities", Value::texts({"net_raw"})}}));

  CHECK(options.nesting);
  CHECK(options.temporary == 64 << 20);
  CHECK(options.devices == std::vector<std::string>{"/dev/net/tun"});
  CHECK(options.capabilities == std::vector<std::string>{"net_raw"});
  const GuestOptions none = parse_guest_options(Value::map());
  CHECK_FALSE(none.nesting);
  CHECK_FALSE(none.temporary);
  CHECK(none.devices.empty());
}

TEST_CASE("a device is named by a plain path below /dev") {
  for (const char* path : {"", "fuse", "/dev", "/dev/", "/etc/passwd", "/dev/../etc/passwd", "/dev//fuse",
                           "/dev/fuse/", "/dev/a\nlxc.x = 1"})
    CHECK_THROWS_WITH_AS(parse_guest_options(Value::map({{"devices", Value::texts({path})}})),
                         doctest::Contains("is no plain path below '/dev'"), Error);
}

TEST_CASE("a capability that there is not is refused with the nearest one") {
  try {
    CHECK(guest_option_problems(Value::map({{"cpu_set", "0,2-3"}})).empty());
    CHECK(guest_option_problems(Value::map({{"cpu_set", "3-1"}})).size() == 1);
    parse_guest_options(Value::map({{"drop_capabilities", Value::texts({"net_rawe"})}}));
    FAIL("taken");
  } catch (const Error& error) {
    CHECK(std::string(error.what()) == "option 'drop_capabilities': there is no capability 'net_rawe'");
    CHECK(error.hint() == "did you mean 'net_raw'?");
  }
  CHECK_THROWS_AS(parse_guest_options(Value::map({{"drop_capabilities", Value::texts({"CAP_NET_RAW"})}})),
                  Error);
}
