#pragma once

#include "cli/command_line.h"
#include "cli/style.h"

namespace envtool {

/// `envtool --help`: every command, by group, and the global options.
std::string overview_page(const CommandLine& language, const Style& style);
/// `envtool up --help`.
std::string command_page(const Command& command, const Style& style);
/// What `envtool` alone says: how to begin.
std::string short_help(const Style& style);

}  // namespace envtool
