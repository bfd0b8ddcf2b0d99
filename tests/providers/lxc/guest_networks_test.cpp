#include "providers/lxc/parts/guest_networks.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

namespace {

const char* const route =
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
    "eth0\t00000000\t0100560A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
    "eth0\t0000560A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    "eth1\t00001E0A\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0\n";

const char* const fib_trie =
    "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 0.0.0.0\n        /0 universe UNICAST\n"
    "Local:\n     |-- 10.86.0.2\n        /32 host LOCAL\n     |-- 10.86.0.255\n        /32 link BROADCAST\n"
    "     |-- 10.30.7.9\n        /32 host LOCAL\n     |-- 127.0.0.1\n        /32 host LOCAL\n";

const char* const if_inet6 =
    "fd000030000000000000000000000011 02 40 00 80     eth1\n"
    "fe8000000000000000005501fe020304 02 40 20 80     eth1\n"
    "00000000000000000000000000000001 01 80 10 80       lo\n";

}  // namespace

TEST_CASE("the addresses of a device are found where the kernel tells everybody") {
  CHECK(device_addresses("eth1", route, fib_trie, if_inet6) ==
        std::vector<std::string>{"10.30.7.9", "fd00:30::11"});
  CHECK(device_addresses("eth0", route, fib_trie, if_inet6) == std::vector<std::string>{"10.86.0.2"});
  CHECK(device_addresses("eth2", route, fib_trie, if_inet6).empty());
  CHECK(device_addresses("eth1", "", "", "").empty());
}

TEST_CASE("a device that asks gets no default route and no name server that way") {
  const std::string text = networkd_file("eth1", true);

  CHECK(text.find("Name=eth1\n") != std::string::npos);
  CHECK(text.find("DHCP=yes\n") != std::string::npos);
  CHECK(text.find("UseGateway=no\nUseDNS=no\n") != std::string::npos);
  CHECK(networkd_file("eth1", false).find("Unmanaged=yes\n") != std::string::npos);
}

TEST_CASE("the file of a further device is read before the one of the box, and known again") {
  CHECK(networkd_file_name("eth1") < "00-envtool.network");
  CHECK(is_networkd_file_name(networkd_file_name("eth12")));
  CHECK_FALSE(is_networkd_file_name("00-envtool.network"));
  CHECK_FALSE(is_networkd_file_name("80-mine.network"));
}

TEST_CASE("NetworkManager leaves the devices alone that have their addresses") {
  CHECK(network_manager_settings({}) == "[keyfile]\nunmanaged-devices=interface-name:eth0\n");
  CHECK(network_manager_settings({"eth1", "eth3"}) ==
        "[keyfile]\nunmanaged-devices=interface-name:eth0;interface-name:eth1;interface-name:eth3\n");
}
