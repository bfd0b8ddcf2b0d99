#pragma once

#include <optional>
#include <string>

#include "core/communicator.h"
#include "core/context.h"

namespace envtool {

/// Lines of the machine's /etc/hosts: its own aliases, and the names of the project's other machines with
/// their addresses, as far as their providers know them. In a network that both are in, a name means the
/// address there, of the first such network in the machine's list; NAME.NETWORK is each of them.
std::vector<HostsEntry> project_hosts(ProjectRun& run, const MachineConfig& machine,
                                      const MachineRecord& record, Operation& operation);

/// What /etc/hosts of a running machine should say of these names, if that is not what it was given last.
std::optional<std::string> missing_hosts_block(ProjectRun& run, const MachineConfig& machine,
                                               const MachineRecord& record, Operation& operation);

/// Puts the block into the guest's /etc/hosts. Throws Error(failed) with the guest's words.
void write_hosts_block(Communicator& guest, const std::string& block, Operation& operation);

}  // namespace envtool
