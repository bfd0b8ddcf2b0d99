#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "base/clock.h"
#include "base/files.h"
#include "base/process.h"
#include "core/reporter.h"

namespace envtool {

/// Where envtool keeps things; computed once from the environment, see src/README.md for what lies where.
struct HostPaths {
  std::filesystem::path home;     ///< the user's
  std::filesystem::path state;    ///< $XDG_STATE_HOME/envtool
  std::filesystem::path data;     ///< $XDG_DATA_HOME/envtool
  std::filesystem::path config;   ///< $XDG_CONFIG_HOME/envtool
  std::filesystem::path runtime;  ///< $XDG_RUNTIME_DIR/envtool, else /tmp/envtool-UID; made 0700 on use
  std::filesystem::path root;     ///< root's part: $ENVTOOL_ROOT, else /var/lib/envtool
  std::filesystem::path helper_programs;  ///< libexec/envtool beside the program that runs
};

using EnvironmentVariables = std::map<std::string, std::string>;

/// `ENVTOOL_HOME` moves state, data and config below itself; `ENVTOOL_ROOT` moves `root`.
HostPaths host_paths(const EnvironmentVariables& variables, const std::filesystem::path& home,
                     const std::filesystem::path& program);

/// Everything outside of this program, handed down: no singletons.
struct Host {
  ProcessRunner& processes;
  Clock& clock;
  Reporter& reporter;
  EnvironmentVariables variables;
  HostPaths paths;
  std::filesystem::path working_directory;

  std::string variable(const std::string& name, const std::string& fallback = "") const;
};

/// A lock of that name among the state of all environments, which is held for milliseconds: waits for it up
/// to ten seconds, then throws Error(busy) naming the holder.
FileLock lock_state(const Host& host, const std::string& name);

}  // namespace envtool
