#pragma once

#include <string>

namespace envtool {

/// Whether the text is an IPv4 or IPv6 address.
bool is_address(const std::string& text);
/// Whether it is a network's address with a prefix, host bits zero.
bool is_subnet(const std::string& text);
/// REQUIRES: `is_address` and `is_subnet`.
bool is_in_subnet(const std::string& address, const std::string& subnet);
/// Whether the subnet has a host of that number, network and broadcast addresses not counting.
bool has_host(const std::string& subnet, int number);

}  // namespace envtool
