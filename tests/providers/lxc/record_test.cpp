#include "providers/lxc/parts/record.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

TEST_CASE("a machine's record is read back as it was written, whatever its storage") {
  for (const Storage storage : {Storage::overlay, Storage::copy, Storage::subvolume, Storage::store}) {
    const Store store{.type = "lvm", .fstype = "xfs", .parent = "fast", .thinpool = "pool0", .size = 5 << 20};
    const Record record{.name = "shop-web",
                        .environment = "4f2a",
                        .owner = 1000,
                        .complete = true,
                        .box = std::string(64, 'a'),
                        .storage = storage,
                        .store = storage == Storage::store ? std::optional(store) : std::nullopt,
                        .ids = 2000683008,
                        .user = "vagrant",
                        .own = IdPair{1000, 1001},
                        .bridge = "envtool0",
                        .device = "veth1000_abcd",
                        .address = "10.86.0.7",
                        .prefix = 22,
                        .mac = "52:55:01:02:03:04"};

    CHECK(parse_record(record_text(record), "machine.json") == record);
  }
}

TEST_CASE("a text that is no record is an error") {
  CHECK_THROWS_AS(parse_record("{}", "machine.json"), Error);
  CHECK_THROWS_AS(parse_record(R"({"version": 2})", "machine.json"), Error);
}
