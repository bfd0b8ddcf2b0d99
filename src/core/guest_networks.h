#pragma once

#include <string>
#include <vector>

#include "core/operation.h"

namespace envtool {

/// For a provider whose guests have devices in their networks and nothing else: their addresses there, and
/// the names of other machines, the core tells them by SSH after each start. It also derives from this.
class GuestNetworks {
 public:
  /// A device of the guest's beside the one that every machine has.
  struct Device {
    std::string network;
    std::string mac;
    std::string address;  ///< "10.30.0.11/24"; empty: whoever serves the network gives it one
  };
  virtual ~GuestNetworks() = default;
  /// Those of the machine's run, or of its next one.
  virtual std::vector<Device> network_devices(const std::string& backend_name, Operation& operation) = 0;
};

}  // namespace envtool
