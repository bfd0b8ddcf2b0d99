#include "config/model.h"

#include <algorithm>

namespace envtool {

std::string_view to_string(Protocol protocol) { return protocol == Protocol::udp ? "udp" : "tcp"; }

std::string_view to_string(FolderType type) {
  switch (type) {
    case FolderType::automatic:
      return "auto";
    case FolderType::bind:
      return "bind";
    case FolderType::virtiofs:
      return "virtiofs";
    case FolderType::ninep:
      return "9p";
    case FolderType::rsync:
      return "rsync";
    case FolderType::sftp:
      return "sftp";
  }
  return "auto";
}

std::string_view to_string(RunPolicy policy) {
  switch (policy) {
    case RunPolicy::once:
      return "once";
    case RunPolicy::always:
      return "always";
    case RunPolicy::never:
      return "never";
    case RunPolicy::changed:
      return "changed";
  }
  return "once";
}

const SourcePosition& MachineConfig::position_of(const std::string& key) const {
  const auto found = positions.find(key);
  return found == positions.end() ? position : found->second;
}

MachineConfig effective_for(const MachineConfig& machine, const std::string& provider) {
  MachineConfig effective = machine;
  const auto found = machine.provider_overrides.find(provider);
  if (found == machine.provider_overrides.end()) return effective;
  const MachineOverrides& overrides = found->second;
  if (overrides.box) effective.box = overrides.box;
  if (overrides.cpus) effective.cpus = overrides.cpus;
  if (overrides.memory) effective.memory = overrides.memory;
  if (overrides.disk) effective.disk = overrides.disk;
  if (overrides.folders) effective.folders = *overrides.folders;
  if (overrides.networks) effective.networks = *overrides.networks;
  return effective;
}

Value provider_options(const MachineConfig& machine, const std::string& provider) {
  const auto found = machine.provider_overrides.find(provider);
  return found == machine.provider_overrides.end() ? Value::map() : found->second.options;
}

const MachineConfig* ProjectConfig::find(const std::string& machine) const {
  const auto found = std::ranges::find(machines, machine, &MachineConfig::name);
  return found == machines.end() ? nullptr : &*found;
}

}  // namespace envtool
