#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace envtool {

class ProvisionerRegistry;

/// The host's `tar` that packs a directory's content for that owner ("user:group"; empty: as it is).
std::vector<std::string> pack_command(const std::filesystem::path& source, const std::string& owner);

/// A script for the guest that unpacks its standard input there, modes and symbolic links kept.
std::string unpack_script(const std::string& destination, const std::string& owner);

void register_file_provisioner(ProvisionerRegistry& registry);

}  // namespace envtool
