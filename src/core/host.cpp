#include "core/host.h"

#include <fmt/format.h>
#include <unistd.h>

namespace envtool {

namespace fs = std::filesystem;

namespace {

fs::path directory_from(const EnvironmentVariables& variables, const std::string& name,
                        const fs::path& fallback) {
  const auto variable = variables.find(name);
  // The XDG specification: a path that is not absolute is to be ignored.
  const bool given = variable != variables.end() && variable->second.starts_with('/');
  return (given ? fs::path(variable->second) : fallback) / "envtool";
}

}  // namespace

HostPaths host_paths(const EnvironmentVariables& variables, const fs::path& home, const fs::path& program) {
  HostPaths paths;
  paths.home = home;
  paths.state = directory_from(variables, "XDG_STATE_HOME", home / ".local/state");
  paths.data = directory_from(variables, "XDG_DATA_HOME", home / ".local/share");
  paths.config = directory_from(variables, "XDG_CONFIG_HOME", home / ".config");
  const auto runtime = variables.find("XDG_RUNTIME_DIR");
  paths.runtime = runtime != variables.end() && runtime->second.starts_with('/')
                      ? fs::path(runtime->second) / "envtool"
                      : fs::path(fmt::format("/tmp/envtool-{}", ::geteuid()));
  paths.root = "/var/lib/envtool";
  if (const auto own = variables.find("ENVTOOL_HOME"); own != variables.end() && !own->second.empty()) {
    const fs::path base = fs::absolute(own->second);
    paths.state = base / "state";
    paths.data = base / "data";
    paths.config = base / "config";
  }
  if (const auto root = variables.find("ENVTOOL_ROOT"); root != variables.end() && !root->second.empty())
    paths.root = fs::absolute(root->second);
  const fs::path directory = program.parent_path();
  paths.helper_programs = fs::exists(directory / "libexec/envtool")
                              ? directory / "libexec/envtool"
                              : directory.parent_path() / "libexec/envtool";
  return paths;
}

std::string Host::variable(const std::string& name, const std::string& fallback) const {
  const auto variable = variables.find(name);
  return variable == variables.end() ? fallback : variable->second;
}

FileLock lock_state(const Host& host, const std::string& name) {
  constexpr int attempts = 1000;
  const std::filesystem::path path = host.paths.state / name;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    if (auto lock = FileLock::try_take(path, fmt::format("pid {}", ::getpid()))) return std::move(*lock);
    host.clock.sleep_for(std::chrono::milliseconds(10), {});
  }
  throw Error(ErrorKind::busy, fmt::format("'{}' is held by {}", path.string(), FileLock::holder_of(path)));
}

}  // namespace envtool
