#pragma once

#include <string>
#include <vector>

#include "config/model.h"
#include "core/communicator.h"

namespace envtool {

/// The command that joins its standard streams with port `%p` of a guest which this host reaches by SSH
/// alone, or through another host (base/command_socket.h); empty where the guest's address is enough.
std::string port_command(const SshEndpoint& endpoint);

/// A running machine as Ansible is to see it.
struct InventoryHost {
  const MachineConfig* machine = nullptr;
  SshEndpoint endpoint;
  Value vars;  ///< the machine's, with nothing late in them
};

/// The inventory in Ansible's YAML plugin's format, written as JSON, which is YAML that nobody reads
/// otherwise: no `yes` or `0644` changes its type on the way. Every machine is in the groups it names and in
/// its block's; `ansible.groups` adds the project's own.
std::string inventory_text(const ProjectConfig& project, const std::vector<InventoryHost>& hosts);

}  // namespace envtool
