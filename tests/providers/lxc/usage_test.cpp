#include "providers/lxc/parts/usage.h"

#include <doctest/doctest.h>

#include <map>

using namespace envtool::lxc;

namespace {

UsageValues usage_of(const std::map<std::string, std::string>& files) {
  return usage_in([&](const std::string& name) {
    const auto file = files.find(name);
    return file == files.end() ? std::nullopt : std::optional(file->second);
  });
}

}  // namespace

TEST_CASE("usage is read from control files of version 2") {
  const UsageValues usage =
      usage_of({{"cpu.stat", "usage_usec 1500\nuser_usec 1000\n"},
                {"memory.current", "4096\n"},
                {"io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n253:0 rbytes=1 wbytes=2\n"},
                {"pids.current", "7\n"}});

  CHECK(usage == UsageValues{1'500'000, 4096, 11, 22, {}, {}, 7});
}

TEST_CASE("usage is read from control files of version 1") {
  const UsageValues usage = usage_of(
      {{"cpuacct.usage", "1500000\n"},
       {"memory.usage_in_bytes", "4096\n"},
       {"blkio.throttle.io_service_bytes_recursive", "8:0 Read 10\n8:0 Write 20\n8:0 Total 30\nTotal 30\n"},
       {"pids.current", "7\n"}});

  CHECK(usage == UsageValues{1'500'000, 4096, 10, 20, {}, {}, 7});
}

TEST_CASE("what no control file tells is not known") { CHECK(usage_of({}) == UsageValues{}); }

TEST_CASE("network bytes are those of all devices but the loopback") {
  UsageValues usage;

  add_network(usage,
              "Inter-|   Receive                                                |  Transmit\n"
              " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs\n"
              "    lo:     500       5    0    0    0     0          0         0      500       5    0\n"
              "  eth0:    1000      10    0    0    0     0          0         0      200       2    0\n"
              "  eth1:1 1 0 0 0 0 0 0 2 1 0\n");

  CHECK(usage.received == 1001);
  CHECK(usage.sent == 202);
}
