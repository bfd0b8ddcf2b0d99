#pragma once

#include <optional>
#include <string>

#include "core/communicator.h"
#include "core/context.h"

namespace envtool {

/// What /etc/hosts of a running machine should say of the project's other machines, if that is not what it
/// was given last. Nothing for a project of one machine.
std::optional<std::string> missing_hosts_block(ProjectRun& run, const MachineConfig& machine,
                                               const MachineRecord& record, Operation& operation);

/// Puts the block into the guest's /etc/hosts. Throws Error(failed) with the guest's words.
void write_hosts_block(Communicator& guest, const std::string& block, Operation& operation);

}  // namespace envtool
