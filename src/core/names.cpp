#include <fmt/format.h>

#include "base/text.h"
#include "core/capabilities.h"

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
    case Feature::bare_disks:
      return "disks without 'mount'";
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
    case Feature::password:
      return "ssh.password";
  }
  return "?";
}

std::string_view to_string(Capability capability) {
  switch (capability) {
    case Capability::native_folders:
      return "native folders";
    case Capability::folder_devices:
      return "folder devices";
    case Capability::lifetime:
      return "lifetime";
    case Capability::snapshots:
      return "snapshots";
    case Capability::suspend:
      return "suspend";
    case Capability::live_limits:
      return "live limits";
    case Capability::usage:
      return "usage";
    case Capability::port_forward:
      return "port forwarding";
    case Capability::attach:
      return "attach";
    case Capability::console:
      return "console";
    case Capability::console_log:
      return "console log";
    case Capability::kept_disks:
      return "kept disks";
    case Capability::package:
      return "package";
  }
  return "?";
}

std::string_view ability(Capability capability) {
  switch (capability) {
    case Capability::native_folders:
      return "share folders";
    case Capability::folder_devices:
      return "share folders as devices";
    case Capability::lifetime:
      return "tell when a machine ends";
    case Capability::snapshots:
      return "take snapshots";
    case Capability::suspend:
      return "suspend machines";
    case Capability::live_limits:
      return "limit running machines";
    case Capability::usage:
      return "tell what machines use";
    case Capability::port_forward:
      return "forward ports";
    case Capability::attach:
      return "run programs without SSH";
    case Capability::console:
      return "open consoles";
    case Capability::console_log:
      return "keep consoles' output";
    case Capability::kept_disks:
      return "keep disks without their machine";
    case Capability::package:
      return "make boxes of machines";
  }
  return "?";
}

void refuse(Capability capability, const ProviderInfo& provider, const ProviderRegistry& providers) {
  std::vector<std::string> able;
  for (const ProviderInfo& other : providers.infos())
    if (other.capabilities.contains(capability)) able.push_back(other.name);
  throw Error(ErrorKind::unsupported,
              fmt::format("provider '{}' cannot {}; providers that can: {}", provider.name,
                          ability(capability), able.empty() ? "none of this envtool" : join(able, ", ")));
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
