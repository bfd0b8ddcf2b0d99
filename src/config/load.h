#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/model.h"
#include "config/options.h"

namespace envtool {

/// What loading depends on, all handed in.
struct LoadOptions {
  std::filesystem::path working_directory;
  /// `-f`: exactly these files are read, "-" being `standard_input`; empty: the project's file and its
  /// layers.
  std::vector<std::string> files = {};
  std::string standard_input = {};
  std::map<std::string, std::string> params = {};       ///< `--param K=V`
  std::map<std::string, std::string> environment = {};  ///< for `${NAME}`
  std::filesystem::path home = {};
  std::filesystem::path user_config = {};  ///< `$XDG_CONFIG_HOME/envtool/config.yaml`; read when it is there
  PluginSchemas plugins = {};
  std::string tool_version = {};
  int host_cpus = 1;              ///< for `cpus: 50%`
  ByteSize host_memory = {};      ///< for `memory: 25%`
  std::string user = {};          ///< `${host.user}`
  std::string architecture = {};  ///< `${host.arch}`
  unsigned user_id = 0;
  bool trust = false;       ///< accept an Envfile of another user
  bool under_sudo = false;  ///< an unset `${NAME}` gets the hint to run without sudo
};

struct LoadedProject {
  ProjectConfig project;
  /// The merged, expanded document for `envtool config`: a map in which every value has its position.
  Value document;
};

/// The project's Envfile at or above the directory: `Envfile`, `Envfile.yaml` or `Envfile.yml`; nothing when
/// there is none. Throws Error(bad_envfile) for two side by side, and where the only one is no file.
std::optional<std::filesystem::path> find_envfile(const std::filesystem::path& directory);

/// Reads, merges, expands and validates. Throws Error(bad_envfile) with every problem at once, and
/// Error(usage) with a hint when there is no Envfile or a `--param` is unknown.
LoadedProject load_project(const LoadOptions& options);

/// `sources` and `credentials` of the user's own configuration, without any project. Throws
/// Error(bad_envfile) for what is wrong in them.
SourcesConfig load_user_sources(const LoadOptions& options);

/// The JSON Schema (draft 2020-12) of the Envfile, from the tables that validate it.
Value envfile_schema(const PluginSchemas& plugins);

/// The document as YAML that reads back to the same; with `origins` each value is followed by `# file:line`.
std::string render_document(const Value& document, bool origins);

}  // namespace envtool
