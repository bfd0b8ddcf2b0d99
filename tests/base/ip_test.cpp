#include "base/ip.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

IpSubnet subnet(std::string_view text) { return *IpSubnet::parse(text); }
IpAddress address(std::string_view text) { return *IpAddress::parse(text); }

}  // namespace

TEST_CASE("addresses of both families are read and printed") {
  CHECK(address("10.30.0.11").to_string() == "10.30.0.11");
  CHECK(address("FD00:0::11").to_string() == "fd00::11");
  CHECK(IpAddress::of_v4(10 << 24 | 7) == address("10.0.0.7"));
  for (const char* text : {"", "10.1.2", "999.1.1.1", "fd00::g", "10.0.0.1 "})
    CHECK_FALSE(IpAddress::parse(text));
}

TEST_CASE("networks are read with and without a length") {
  CHECK(subnet("10.86.0.7/24").to_string() == "10.86.0.0/24");
  CHECK(subnet("192.0.2.9").to_string() == "192.0.2.9/32");
  CHECK(subnet("fd00:1::ff/64").to_string() == "fd00:1::/64");
  for (const char* text : {"default", "10.1.2/24", "10.1.2.3/33", "10.1.2.3/x", "fd00::/129", ""})
    CHECK_FALSE(IpSubnet::parse(text));
}

TEST_CASE("a network as people write it has a length and no bits of hosts") {
  CHECK(IpSubnet::parse_exact("10.30.0.0/24") == subnet("10.30.0.0/24"));
  CHECK(IpSubnet::parse_exact("FD00::/64") == subnet("fd00::/64"));
  for (const char* text : {"10.30.0.5/24", "10.30.0.0", "fd00::1/64"})
    CHECK_FALSE(IpSubnet::parse_exact(text));
}

TEST_CASE("two networks overlap when one holds the other") {
  CHECK(subnet("10.0.0.0/8").overlaps(subnet("10.86.0.0/24")));
  CHECK(subnet("10.86.0.0/24").overlaps(subnet("10.86.0.9")));
  CHECK(subnet("fd00::/8").overlaps(subnet("fd00:1::/64")));
  CHECK_FALSE(subnet("10.86.0.0/24").overlaps(subnet("10.86.1.0/24")));
  CHECK_FALSE(subnet("0.0.0.0/0").overlaps(subnet("::/0")));
}

TEST_CASE("hosts are counted from the network's address") {
  CHECK(subnet("10.86.0.0/24").host(7) == "10.86.0.7");
  CHECK(subnet("10.86.0.0/16").host(300) == "10.86.1.44");
  CHECK(subnet("fd00::/64").host(0x1ffff) == "fd00::1:ffff");
  CHECK(subnet("10.86.0.0/16").number_of(address("10.86.1.44")) == 300);
  CHECK(subnet("fd00::/64").number_of(address("fd00::11")) == 0x11);
  CHECK_FALSE(subnet("fd00::/64").number_of(address("fd00::ffff:0:0:0")).has_value());
  CHECK_FALSE(subnet("10.86.0.0/16").number_of(address("10.87.0.1")).has_value());
}

TEST_CASE("the network's own address and the broadcast address are no hosts") {
  CHECK_FALSE(subnet("10.86.0.0/24").has_host(0));
  CHECK(subnet("10.86.0.0/24").has_host(254));
  CHECK_FALSE(subnet("10.86.0.0/24").has_host(255));
  CHECK_FALSE(subnet("10.86.0.0/31").has_host(1));
  CHECK(subnet("fd00::/120").has_host(255));
  CHECK_FALSE(subnet("fd00::/120").has_host(256));
  CHECK(subnet("fd00::/64").has_host(1ULL << 62));
}
