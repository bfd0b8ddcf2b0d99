#include "providers/lxc/parts/limits.h"

#include <doctest/doctest.h>

#include <map>

using namespace envtool::lxc;

namespace {

constexpr CgroupLayout version_1{.memory_v1 = true, .cpu_v1 = true, .devices_v1 = true, .cpuset_v1 = true};
constexpr CgroupLayout version_2{};

/// "name=value" of each file.
std::vector<std::string> written(const LimitValues& limits, const CgroupLayout& cgroups) {
  std::vector<std::string> texts;
  for (const ControlFile& file : limit_files(limits, cgroups, "0-3")) {
    CHECK(file.v1 == cgroups.cpu_v1);
    texts.push_back(file.name + "=" + file.value);
  }
  return texts;
}

LimitValues read_back(const std::map<std::string, std::string>& files) {
  return limits_in(
      [&](const std::string& name) {
        const auto file = files.find(name);
        return file == files.end() ? std::nullopt : std::optional(file->second);
      },
      "0-3");
}

}  // namespace

TEST_CASE("limits are written as version 2 wants them") {
  CHECK(written({.cpus = 2, .memory = 1 << 30, .cpu_set = "0,2"}, version_2) ==
        std::vector<std::string>{"cpu.max=200000 100000", "memory.max=1073741824", "cpuset.cpus=0,2"});
  CHECK(written({}, version_2) ==
        std::vector<std::string>{"cpu.max=max 100000", "memory.max=max", "cpuset.cpus="});
}

TEST_CASE("limits are written as version 1 wants them") {
  CHECK(written({.cpus = 2, .memory = 1 << 30, .cpu_set = "1"}, version_1) ==
        std::vector<std::string>{"cpu.cfs_period_us=100000", "cpu.cfs_quota_us=200000",
                                 "memory.limit_in_bytes=1073741824", "cpuset.cpus=1"});
  CHECK(written({}, version_1) == std::vector<std::string>{"cpu.cfs_period_us=100000", "cpu.cfs_quota_us=-1",
                                                           "memory.limit_in_bytes=-1", "cpuset.cpus=0-3"});
}

TEST_CASE("on a hybrid host each limit goes to the version that holds its controller") {
  const auto files = limit_files({.cpus = 2, .memory = 1 << 30}, {.memory_v1 = true, .cpu_v1 = false}, {});

  REQUIRE(files.size() == 2);
  CHECK(files[0].name == "cpu.max");
  CHECK_FALSE(files[0].v1);
  CHECK(files[1].name == "memory.limit_in_bytes");
  CHECK(files[1].v1);
}

TEST_CASE("limits are read back from either version") {
  CHECK(
      read_back({{"cpu.max", "200000 100000\n"}, {"memory.max", "1073741824\n"}, {"cpuset.cpus", "0,2\n"}}) ==
      LimitValues{2, 1 << 30, "0,2"});
  CHECK(read_back({{"cpu.cfs_quota_us", "200000\n"},
                   {"cpu.cfs_period_us", "100000\n"},
                   {"memory.limit_in_bytes", "1073741824\n"},
                   {"cpuset.cpus", "1\n"}}) == LimitValues{2, 1 << 30, "1"});
}

TEST_CASE("what has no limit reads as none") {
  CHECK(read_back({}) == LimitValues{});
  CHECK(read_back({{"cpu.max", "max 100000\n"}, {"memory.max", "max\n"}, {"cpuset.cpus", "\n"}}) ==
        LimitValues{});
  CHECK(read_back({{"cpu.cfs_quota_us", "-1\n"},
                   {"cpu.cfs_period_us", "100000\n"},
                   {"memory.limit_in_bytes", "9223372036854771712\n"},
                   {"cpuset.cpus", "0-3\n"}}) == LimitValues{});
}

TEST_CASE("a part of a CPU is shown as a whole one") {
  CHECK(read_back({{"cpu.max", "150000 100000\n"}}).cpus == 2);
}

TEST_CASE("sets of CPUs are numbers and ranges") {
  for (const char* good : {"0", "0-3", "0,2-3", "10"}) CHECK(is_cpu_set(good));
  for (const char* bad : {"", "a", "0-", "-1", "3-1", "0,,1", "0;1", "0 1"}) CHECK_FALSE(is_cpu_set(bad));
}

TEST_CASE("the cgroup layout is read out of the mounts") {
  const auto cgroups = parse_cgroup_layout(
      "cgroup /sys/fs/cgroup/memory cgroup rw,relatime,memory 0 0\n"
      "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,relatime 0 0\n"
      "tmpfs /tmp tmpfs rw,cpu 0 0\n");

  CHECK(cgroups.memory_v1);
  CHECK_FALSE(cgroups.cpu_v1);
}
