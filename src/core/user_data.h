#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "config/model.h"

namespace envtool {

/// The user's own data for cloud-init, as `cloud_init` of the Envfile has it; empty for none. Throws
/// Error(failed) when its file cannot be read.
std::string user_data_of(const MachineConfig& machine);

/// Tells other data from these; never fails.
std::string user_data_digest(const MachineConfig& machine);

/// A file that is not there, and data that cloud-init would leave aside as it does not know their kind.
std::vector<Diagnostic> check_user_data(const MachineConfig& machine);

}  // namespace envtool
