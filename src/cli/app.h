#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "cli/console.h"
#include "core/services.h"

namespace envtool {

/// Everything outside of this program, as `main` or a test hands it in.
struct World {
  ProcessRunner& processes;
  Clock& clock;
  Console& console;
  EnvironmentVariables variables;
  std::filesystem::path home;
  std::filesystem::path program;
  std::filesystem::path working_directory;
  std::stop_token stop = {};
};

/// Makes what the engine works through, for the one command that runs. It may keep the host, which outlives
/// it.
using ServiceMaker = std::function<std::shared_ptr<const Services>(Host&)>;

/// Runs one command line (without the program's name) to its end and gives the exit code. Every error was
/// shown when this returns; nothing is thrown.
int run_app(const World& world, const ServiceMaker& make_services, const std::vector<std::string>& words);

}  // namespace envtool
