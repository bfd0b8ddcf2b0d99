#pragma once

#include <string>
#include <string_view>
#include <vector>

/// A guest's further network devices, eth1 and on: files for what manages networks in it, and what the kernel
/// says of them. Values to values.
namespace envtool::lxc {

/// systemd-networkd's file for a device: it asks for addresses by DHCP and router advertisements, but for no
/// default route, which is eth0's; or leaves the device alone, as its address is set already.
std::string networkd_file(const std::string& device, bool asks);
/// Its name in /etc/systemd/network, and whether a name there is one of these.
std::string networkd_file_name(const std::string& device);
bool is_networkd_file_name(std::string_view name);

/// NetworkManager's settings: eth0 and these devices have their addresses already.
std::string network_manager_settings(const std::vector<std::string>& set_devices);

/// Addresses on a device, out of the texts of /proc/PID/net: of IPv4 from `route` and `fib_trie`, where no
/// device stands beside an address; of IPv6 the global ones in `if_inet6`.
std::vector<std::string> device_addresses(const std::string& device, std::string_view route,
                                          std::string_view fib_trie, std::string_view if_inet6);

}  // namespace envtool::lxc
