#include "base/addresses.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;

namespace {

IpSubnet subnet(const std::string& text) { return *IpSubnet::parse_exact(text); }

}  // namespace

TEST_CASE("the address that is wanted is given, or who has it is named") {
  const AddressWish fixed{
      .network = "back", .ip = IpAddress::parse("10.30.0.11"), .number = {}, .promised = {}};
  const AddressWish numbered{.network = "back", .ip = {}, .number = 11, .promised = {}};
  const std::map<std::string, std::string> taken = {{"10.30.0.11", "machine 'shop-db'"}};

  CHECK(choose_address(subnet("10.30.0.0/24"), fixed, "", {}) == "10.30.0.11");
  CHECK(choose_address(subnet("10.30.0.0/24"), numbered, "10.30.0.7", {}) == "10.30.0.11");
  CHECK_THROWS_WITH_AS(choose_address(subnet("10.30.0.0/24"), fixed, "", taken),
                       "network 'back': machine 'shop-db' has the address 10.30.0.11", Error);
  CHECK_THROWS_AS(choose_address(subnet("10.31.0.0/24"), fixed, "", {}), Error);
}

TEST_CASE("a chosen address stays, unless somebody has it or is promised it") {
  const AddressWish wish{.network = "back", .ip = {}, .number = {}, .promised = {"10.30.0.2", "3"}};
  const IpSubnet back = subnet("10.30.0.0/24");

  CHECK(choose_address(back, wish, "10.30.0.9", {}) == "10.30.0.9");
  CHECK(choose_address(back, wish, "", {}) == "10.30.0.4");
  CHECK(choose_address(back, wish, "10.30.0.2", {{"10.30.0.4", "a"}}) == "10.30.0.5");
  CHECK(choose_address(back, wish, "10.99.0.9", {}) == "10.30.0.4");
  CHECK(choose_address(subnet("fd00::/64"), wish, "", {}) == "fd00::2");
}

TEST_CASE("a network that is full says so") {
  const AddressWish wish{.network = "back", .ip = {}, .number = {}, .promised = {}};

  CHECK_THROWS_WITH_AS(choose_address(subnet("10.30.0.0/30"), wish, "", {{"10.30.0.2", "a"}}),
                       "network 'back' has no address left in '10.30.0.0/30'", Error);
}
