#pragma once

namespace envtool {

class ProvisionerRegistry;

/// Ansible on the host, over its OpenSSH client and the generated inventory.
void register_ansible_provisioner(ProvisionerRegistry& registry);

}  // namespace envtool
