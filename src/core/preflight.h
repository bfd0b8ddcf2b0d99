#pragma once

#include <vector>

#include "core/context.h"

namespace envtool {

/// Everything that can be known to fail before anything changes: keys that the provider does not support,
/// boxes that mean nothing, missing scripts and playbooks, folders that are not there, programs that are not
/// installed. Reads only, and warns of more processors or memory than the host has. Throws one Error with all
/// of them in the order of the file: of kind bad_envfile when there is such a one, else unsupported, else
/// host_not_ready. Machines that are not there yet are to be made by the provider that is named, empty: by
/// the one that the Envfile says.
void preflight(ProjectRun& run, const std::vector<const MachineConfig*>& machines,
               const std::string& wanted_provider, Operation& operation);

/// What of it is wrong on every host, without asking a provider: a machine is checked against the providers
/// that the Envfile names for it, else against all of this program, and what is a problem with each of them
/// is one. Throws as `preflight` does.
void check_content(Host& host, const Services& services, const ProjectConfig& project);

/// The problems of one machine with that provider.
std::vector<Diagnostic> unsupported_keys(const MachineConfig& machine, const ProviderInfo& provider);

}  // namespace envtool
