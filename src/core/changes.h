#pragma once

#include <string_view>
#include <vector>

#include "core/capabilities.h"
#include "core/plan.h"
#include "core/state.h"

/// What of the Envfile a machine was made and started with, and what has changed since: values to values.
namespace envtool {

/// A provider that has this option takes it as a limit, which a running machine takes on (Limits::cpu_set).
inline constexpr std::string_view cpu_set_option = "cpu_set";

/// The keys of a machine that need a restart or a new machine to change, as values that can be compared.
Value restart_values(const MachineConfig& machine, const ProviderInfo& provider);
Value create_values(const MachineConfig& machine, const ProviderInfo& provider);

/// What a running machine takes on without a restart, as values that can be compared.
Limits limits_of(const MachineConfig& machine, const ProviderInfo& provider);
Value to_value(const Limits& limits);
Value folders_value(const MachineSpec& spec);

/// Changes between the file and what a machine of that provider was started and created with.
std::vector<PendingChange> pending_changes(const MachineConfig& machine, const MachineRecord& record,
                                           const ProviderInfo& provider);

}  // namespace envtool
