#include "providers/lxc/parts/store.h"

#include <doctest/doctest.h>

using namespace envtool;
using namespace envtool::lxc;

namespace {

using Command = std::vector<std::string>;

constexpr std::int64_t gibibyte = std::int64_t{1} << 30;

Value option(const std::string& type) { return Value::map({{"lxc", type}}); }

Store store(const std::string& type, std::int64_t disk = 0) { return *parse_store(option(type), disk); }

std::string problem(const Value& written) {
  const auto found = store_problems(written);
  return found.size() == 1 ? found[0].text : std::to_string(found.size()) + " problems";
}

}  // namespace

TEST_CASE("storage that is no map asks for no store") {
  CHECK_FALSE(parse_store(Value("dir"), gibibyte));
  CHECK_FALSE(parse_store(Value(), gibibyte));
  CHECK(store_problems(Value("dir")).empty());
}

TEST_CASE("a store has the size of the disk, or the usual one; a dataset without a disk has no limit") {
  CHECK(store("loop", 5 * gibibyte) == Store{.type = "loop", .fstype = "ext4", .size = 5 * gibibyte});
  CHECK(store("loop").size == default_store_size);
  CHECK(store("lvm") == Store{.type = "lvm", .fstype = "ext4", .parent = "lxc", .size = default_store_size});
  CHECK(store("zfs") == Store{.type = "zfs", .parent = "lxc", .size = 0});
  CHECK(store("zfs", gibibyte).size == gibibyte);
}

TEST_CASE("what the Envfile says of a store is taken") {
  const Value lvm = option("lvm").set("fstype", "xfs").set("vgname", "fast").set("thinpool", "pool0");

  CHECK(*parse_store(lvm, gibibyte) ==
        Store{.type = "lvm", .fstype = "xfs", .parent = "fast", .thinpool = "pool0", .size = gibibyte});
  CHECK(parse_store(option("zfs").set("zfsroot", "tank/lxc"), 0)->parent == "tank/lxc");
}

TEST_CASE("keys of another store mean nothing") {
  CHECK(problem(option("loop").set("vgname", "fast")) ==
        "option 'storage': 'vgname' means nothing with 'lxc: loop'");
  CHECK(problem(option("lvm").set("zfsroot", "tank")) ==
        "option 'storage': 'zfsroot' means nothing with 'lxc: lvm'");
  CHECK(problem(option("zfs").set("fstype", "ext4")) ==
        "option 'storage': 'fstype' means nothing with 'lxc: zfs'");
  CHECK_THROWS_AS(parse_store(option("loop").set("thinpool", "pool0"), 0), Error);
}

TEST_CASE("a name that a program could take for something else is none") {
  for (const char* name : {"", "-f", "a b", "a;b", "$(id)", "../x", "a/b", "/dev/sda", "a\nb"})
    CHECK(problem(option("lvm").set("vgname", name)).ends_with("is no name for 'vgname'"));
  for (const char* name : {"tank//x", "tank/", "/tank", "tank/../x", "tank@now"})
    CHECK(problem(option("zfs").set("zfsroot", name)).ends_with("is no name for 'zfsroot'"));
  CHECK(store_problems(option("zfs").set("zfsroot", "tank/home.2/lxc-1_a")).empty());
}

TEST_CASE("a type that liblxc has but this not is refused by the helper too") {
  CHECK_THROWS_AS(parse_store(option("rbd"), 0), Error);
}

TEST_CASE("a source is what liblxc writes into the container's configuration") {
  CHECK(store_source(store("loop"), "/var/lib/envtool/machines/shop-web", "shop-web") ==
        "loop:/var/lib/envtool/machines/shop-web/rootdev");
  CHECK(store_source(store("lvm"), "/x", "shop-web") == "lvm:/dev/lxc/shop-web");
  CHECK(store_source(store("zfs"), "/x", "shop-web") == "zfs:lxc/shop-web");
  CHECK(place_of("lvm:/dev/lxc/shop-web") == "/dev/lxc/shop-web");
}

TEST_CASE("a store is asked for by what knows of it") {
  CHECK(ask_for_store(store("loop"), "loop:/m/rootdev") == Command{"ls", "/m/rootdev"});
  CHECK(ask_for_store(store("lvm"), "lvm:/dev/lxc/web") == Command{"lvs", "--noheadings", "/dev/lxc/web"});
  CHECK(ask_for_store(store("zfs"), "zfs:lxc/web") == Command{"zfs", "list", "-H", "lxc/web"});
}

TEST_CASE("what a store is made in must be there; a pool must be one") {
  CHECK(ask_for_parent(store("loop")).empty());
  CHECK(ask_for_parent(store("lvm")) == Command{"vgs", "--noheadings", "lxc"});
  CHECK(ask_for_parent(store("zfs")) == Command{"zfs", "list", "-H", "lxc"});
  CHECK(ask_for_parent(*parse_store(option("lvm").set("thinpool", "pool0"), 0)) ==
        Command{"lvs", "--select", "segtype=thin-pool", "--noheadings", "lxc/pool0"});
}

TEST_CASE("a store is mounted by its kind") {
  CHECK(mount_command(store("loop"), "loop:/m/rootdev", "/m/rootfs") ==
        Command{"mount", "--no-mtab", "--options", "loop", "--types", "ext4", "/m/rootdev", "/m/rootfs"});
  CHECK(mount_command(store("lvm"), "lvm:/dev/lxc/web", "/m/rootfs") ==
        Command{"mount", "--no-mtab", "--types", "ext4", "/dev/lxc/web", "/m/rootfs"});
  CHECK(mount_command(store("zfs"), "zfs:lxc/web", "/m/rootfs") ==
        Command{"mount", "--no-mtab", "--types", "zfs", "--options", "zfsutil", "lxc/web", "/m/rootfs"});
}

TEST_CASE("a store grows, and then its file system") {
  using Commands = std::vector<Command>;
  CHECK(grow_command(store("loop"), "loop:/m/rootdev", 4096) ==
        Command{"truncate", "--size=4096", "/m/rootdev"});
  CHECK(grow_command(store("lvm"), "lvm:/dev/lxc/web", 4096) ==
        Command{"lvextend", "--size", "4096b", "/dev/lxc/web"});
  CHECK(grow_command(store("zfs"), "zfs:lxc/web", 4096) == Command{"zfs", "set", "refquota=4096", "lxc/web"});
  CHECK(spread_commands(store("loop"), "loop:/m/rootdev", "/m/rootfs") ==
        Commands{{"e2fsck", "-f", "-p", "/m/rootdev"}, {"resize2fs", "/m/rootdev"}});
  CHECK_FALSE(spreads_mounted(store("loop")));
  const Store xfs = *parse_store(option("lvm").set("fstype", "xfs"), 0);
  CHECK(spread_commands(xfs, "lvm:/dev/lxc/web", "/m/rootfs") == Commands{{"xfs_growfs", "/m/rootfs"}});
  CHECK(spreads_mounted(xfs));
  CHECK(spread_commands(store("zfs"), "zfs:lxc/web", "/m/rootfs").empty());
}

TEST_CASE("a store is read back as it was written") {
  const Store written{
      .type = "lvm", .fstype = "xfs", .parent = "fast", .thinpool = "pool0", .size = gibibyte};

  CHECK(store_from(to_value(written)) == written);
}

TEST_CASE("each store says which programs it needs, and of which packages") {
  const auto package_of = [](const char* type, const char* fstype, std::string_view program) {
    for (const auto& [name, package] : need_of(type, fstype).programs)
      if (name == program) return package;
    return std::string("none");
  };

  CHECK(package_of("loop", "ext4", "mkfs.ext4") == "e2fsprogs");
  CHECK(package_of("loop", "", "mkfs.ext4") == "e2fsprogs");
  CHECK(package_of("loop", "ext4", "lvcreate") == "none");
  CHECK(package_of("lvm", "xfs", "mkfs.xfs") == "xfsprogs");
  CHECK(package_of("lvm", "xfs", "mkfs.ext4") == "none");
  CHECK(package_of("lvm", "ext4", "lvcreate") == "lvm2");
  CHECK(package_of("zfs", "", "zfs") == "zfsutils-linux");
  CHECK(need_of("zfs", "").device == "/dev/zfs");
}
