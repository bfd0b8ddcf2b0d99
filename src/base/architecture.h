#pragma once

#include <string>

namespace envtool {

/// The names that boxes and images have for what `uname -m` says: "x86_64" is "amd64". Unknown ones stay as
/// they are.
std::string box_architecture(const std::string& machine);

/// That of this host; empty when the kernel does not say.
std::string host_architecture();

}  // namespace envtool
