#include "providers/lxc/parts/ids.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

/// Where a map sends an id; -1 where it has no line for it.
std::int64_t mapped(const IdMap& map, std::uint64_t id) {
  for (const IdMapLine& line : map)
    if (id >= line.inside && id < line.inside + line.count)
      return static_cast<std::int64_t>(line.outside + (id - line.inside));
  return -1;
}

}  // namespace

TEST_CASE("ranges of subordinate ids are read and lines that say nothing are skipped") {
  const auto ranges =
      parse_subordinate_ids("root:100000:65536\n# a comment\nbroken:x:1\nlxd:1000000:1000000000\n");

  CHECK(ranges == std::vector<IdRange>{{100000, 65536}, {1000000, 1000000000}});
}

TEST_CASE("a block of ids overlaps neither another machine nor a line of subuid") {
  const std::uint32_t first = choose_id_block({});

  const std::uint32_t second = choose_id_block({{first, ids_per_machine}});
  const std::uint32_t third = choose_id_block({{first, ids_per_machine}, {second + 65535, 1}});

  CHECK(first % ids_per_machine == 0);
  CHECK(second == first + ids_per_machine);
  CHECK(third == second + ids_per_machine);
}

TEST_CASE("when every block is taken the error says so") {
  CHECK_THROWS_AS(choose_id_block({{0, std::uint64_t{1} << 32}}), Error);
}

TEST_CASE("in a shared folder the host's user becomes the guest's and the guest's others keep their block") {
  const IdMap map = folder_id_map(2000683008, 1000, 33);

  CHECK(mapped(map, 1000) == 2000683008 + 33);
  CHECK(mapped(map, 2000683008) == 2000683008);
  CHECK(mapped(map, 2000683008 + 65535) == 2000683008 + 65535);
  CHECK(mapped(map, 2000683008 + 33) == -1);
  CHECK(mapped(map, 0) == -1);
}

TEST_CASE("a folder owned by the guest's root has a map without an empty line") {
  const IdMap map = folder_id_map(2000683008, 1000, 0);

  CHECK(id_map_text(map) == "1000 2000683008 1\n2000683009 2000683009 65535\n");
}

TEST_CASE("with a privileged guest the two users change places") {
  const IdMap map = folder_id_map(0, 1001, 1000);

  CHECK(mapped(map, 1001) == 1000);
  CHECK(mapped(map, 1000) == 1001);
  CHECK(mapped(map, 0) == 0);
  CHECK(mapped(map, 65534) == 65534);
}

TEST_CASE("a guest whose user is the host's has a hole for that user in its map") {
  const GuestIds ids{0, IdPair{1000, 100}};

  CHECK(ids.users() == IdMap{{0, 0, 1000}, {1000, own_id, 1}, {1001, 1001, 64535}});
  CHECK(mapped(ids.groups(), 100) == own_id);
  CHECK(mapped(ids.groups(), 1000) == 1000);
  CHECK(ids.uid(1000) == own_id);
  CHECK(ids.uid(33) == 33);
  CHECK(ids.guest_uid(own_id) == 1000);
  CHECK(ids.guest_gid(33) == 33);
}

TEST_CASE("a hole at either end of the map leaves no empty line") {
  CHECK(GuestIds{0, IdPair{0, 65535}}.users() == IdMap{{0, own_id, 1}, {1, 1, 65535}});
  CHECK(GuestIds{0, IdPair{0, 65535}}.groups() == IdMap{{0, 0, 65535}, {65535, own_id, 1}});
}

TEST_CASE("a guest of root's has its block") {
  const GuestIds ids{2000683008};

  CHECK(ids.users() == box_id_map(2000683008));
  CHECK(ids.uid(1000) == 2000683008 + 1000);
  CHECK(ids.guest_gid(2000683008 + 33) == 33);
}
