#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace envtool {

/// What is wanted of a machine's address in a network.
struct AddressWish {
  std::string network;  ///< its name, for messages
  std::optional<IpAddress> ip;
  std::optional<std::uint64_t> number;  ///< of the host in the subnet, in place of `ip`
  std::vector<std::string> promised;    ///< addresses and numbers of machines that may be still to come
};

/// The machine's address in the subnet: the one that is wanted, else its earlier one, else the lowest that is
/// neither taken nor promised. `taken` has addresses, each with who has it. Throws Error(failed) with who has
/// the one that is wanted.
std::string choose_address(const IpSubnet& subnet, const AddressWish& wish, const std::string& earlier,
                           const std::map<std::string, std::string>& taken);

}  // namespace envtool
