#pragma once

#include <vector>

#include "core/context.h"

namespace envtool {

/// Everything that can be known to fail before anything changes: keys that the provider does not support,
/// boxes that mean nothing, missing scripts and playbooks, folders that are not there. Reads only. Throws one
/// Error with all of them: of kind unsupported when that is all there is, else bad_envfile. Machines that are
/// not there yet are to be made by the provider that is named, empty: by the one that the Envfile says.
void preflight(ProjectRun& run, const std::vector<const MachineConfig*>& machines,
               const std::string& wanted_provider, Operation& operation);

/// The problems of one machine with that provider.
std::vector<Diagnostic> unsupported_keys(const MachineConfig& machine, const ProviderInfo& provider);

}  // namespace envtool
