#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// A line of /etc/hosts.
struct HostsEntry {
  std::string address;
  std::vector<std::string> names;
};

/// The lines of a guest's /etc/hosts that are envtool's, between two marks: localhost, the guest's own name
/// (and its first label), and other machines.
std::string hosts_block(const std::string& hostname, const std::vector<HostsEntry>& others);

/// A whole /etc/hosts: the block, then what `present` holds beside an older block.
std::string hosts_file(std::string_view present, const std::string& block);

/// A shell script for the guest's root that does the same with the block on its standard input.
std::string replace_hosts_block_script(const std::string& path = "/etc/hosts");

}  // namespace envtool
