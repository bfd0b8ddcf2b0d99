#pragma once

#include <string>
#include <vector>

#include "core/communicator.h"

namespace envtool {

class ProvisionerRegistry;

struct ShellScript {
  std::string name;  ///< what the script's own messages call it
  std::string script;
  std::vector<std::string> arguments = {};
};

/// The command that runs a script in a guest: one that begins with `#!` as the program it is, any other under
/// `bash -eo pipefail`, or `sh -e` where there is no bash. Nothing is left behind.
GuestCommand shell_command(const ShellScript& script);

void register_shell_provisioner(ProvisionerRegistry& registry);

}  // namespace envtool
