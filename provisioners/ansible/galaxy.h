#pragma once

#include <filesystem>

#include "core/provisioner.h"
#include "provisioners/ansible/command.h"

namespace envtool {

/// The directory with the roles and collections that the requirements file asks for. They are installed when
/// the file's content is new here; else no program runs. Several threads and processes may call it: one
/// installs, the others wait. Throws Error(failed), or Error(host_not_ready) where `ansible-galaxy` is
/// missing.
std::filesystem::path install_requirements(const std::filesystem::path& requirements,
                                           const ProvisionContext& context, Operation& operation);

}  // namespace envtool
