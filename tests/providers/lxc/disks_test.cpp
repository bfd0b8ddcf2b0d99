#include "providers/lxc/parts/disks.h"

#include <doctest/doctest.h>

#include "base/files.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

Value one_disk(const std::string& name, const std::string& mount) {
  Value list = Value::list();
  list.push_back(Value::map({{"name", name}, {"mount", mount}, {"keep", true}}));
  return list;
}

}  // namespace

TEST_CASE("a request's disks are read") {
  CHECK(parse_disks(one_disk("data", "/srv/data")) ==
        std::vector<MachineDisk>{{.name = "data", .mount = "/srv/data", .keep = true}});
  CHECK(parse_disks(Value()).empty());
}

TEST_CASE("a disk's name becomes a path, and its place one of the guest's: only good ones are taken") {
  for (const char* name : {"", "..", "a/b", "-a", "Data", "owner.json", "a234567890123456789012345678901234"})
    CHECK_THROWS_WITH_AS(parse_disks(one_disk(name, "/srv")), doctest::Contains("is no name for a disk"),
                         Error);
  for (const char* mount : {"", "/", "srv", "/srv/", "/srv/../etc", "/srv//data", "/srv\n/data"})
    CHECK_THROWS_WITH_AS(parse_disks(one_disk("data", mount)),
                         doctest::Contains("disk 'data' cannot be mounted on"), Error);
}

TEST_CASE("kept disks are what lies in a machine's place for them, by name") {
  const TemporaryDirectory directory;
  const Layout layout{directory.path()};
  CHECK(kept_disks(layout, "web").empty());

  for (const char* disk : {"logs", "data"})
    std::filesystem::create_directories(layout.kept_disk("web", disk));
  std::filesystem::create_directories(layout.disks("web") / ".removed");
  write_file(layout.disks_owner("web"), "{}");

  CHECK(kept_disks(layout, "web") == std::vector<std::string>{"data", "logs"});
}
