#pragma once

#include <filesystem>
#include <string>

#include "config/load.h"

/// Tables such as real plugins have, and loading from text, for tests of the language.
namespace envtool::test {

PluginSchemas sample_plugins();

/// Loads one text as if it were standard input, in the directory /project, on a host with 8 processors and 16
/// GiB.
LoadOptions options_for(const std::string& text);
LoadedProject load_text(const std::string& text);
/// Everything that is wrong with the text, as it is shown; empty when nothing is.
std::string problems_of(const std::string& text);
std::string problems_of(const LoadOptions& options);

/// The only machine of the text.
MachineConfig machine_of(const std::string& text);

/// A directory below tests/data/config.
std::filesystem::path data_directory();

}  // namespace envtool::test
