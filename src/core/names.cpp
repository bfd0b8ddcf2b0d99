#include "core/capabilities.h"
#include "core/provider.h"

namespace envtool {

std::string_view to_string(Feature feature) {
  switch (feature) {
    case Feature::cpus:
      return "cpus";
    case Feature::memory:
      return "memory";
    case Feature::disk:
      return "disk";
    case Feature::disks:
      return "disks";
    case Feature::networks:
      return "networks";
    case Feature::host_bridges:
      return "networks.bridge";
    case Feature::mac:
      return "networks.mac";
    case Feature::cloud_init:
      return "cloud_init";
    case Feature::proxy:
      return "proxy";
    case Feature::ca_certs:
      return "ca_certs";
  }
  return "?";
}

std::string_view to_string(Capability capability) {
  switch (capability) {
    case Capability::native_folders:
      return "native folders";
    case Capability::lifetime:
      return "lifetime";
    case Capability::snapshots:
      return "snapshots";
    case Capability::suspend:
      return "suspend";
    case Capability::live_limits:
      return "live limits";
    case Capability::port_forward:
      return "port forwarding";
    case Capability::attach:
      return "attach";
    case Capability::console_log:
      return "console log";
    case Capability::package:
      return "package";
  }
  return "?";
}

std::string_view to_string(MachinePhase phase) {
  switch (phase) {
    case MachinePhase::absent:
      return "not created";
    case MachinePhase::stopped:
      return "stopped";
    case MachinePhase::running:
      return "running";
    case MachinePhase::paused:
      return "paused";
    case MachinePhase::broken:
      return "broken";
  }
  return "?";
}

}  // namespace envtool
