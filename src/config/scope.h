#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/size.h"
#include "config/diagnostics.h"
#include "config/node.h"

namespace envtool {

/// Whether a place in the Envfile may hold references that are known only after start.
enum class Late { never, references, secrets };

/// Everything that names in an Envfile can mean, the same for all of it.
struct Names {
  std::map<std::string, std::string> environment = {};  ///< with what `.env` adds
  std::map<std::string, std::string> params = {};
  std::string project = {};  ///< empty as long as it is not known
  std::string user = {};
  std::string architecture = {};
  std::vector<std::string> machines = {};
  std::set<std::string> networks = {};  ///< of any machine
  bool knows_networks = true;           ///< false: some are made of references
  std::vector<std::string> secrets = {};
  int host_cpus = 1;
  ByteSize host_memory = {};
  std::filesystem::path home = {};
  std::map<const SourceText*, std::filesystem::path> directories = {};  ///< of each file that was read
  std::set<const SourceText*> personal = {};  ///< files that are the user's own, not the project's
  bool under_sudo = false;

  /// What a relative path written there is relative to.
  const std::filesystem::path& directory_of(const SourcePosition& position) const;
};

/// Who a machine is before anything else of it is known.
struct MachineIdentity {
  std::string name;
  std::string block;
  int index = 1;
  bool counted = false;
  SourcePosition position = {};
};

/// Where reading happens: what names mean there, and where problems go.
struct Scope {
  const Names& names;
  Diagnostics& problems;
  const MachineIdentity* machine = nullptr;  ///< null for what belongs to the project
};

/// Resolves the references of a scalar in place, once; other nodes are left alone. What is known only after
/// start stays, and makes the node `late`, where `late` allows it; elsewhere it is a problem. False when
/// there was one.
bool expand(Node& node, Late late, const Scope& scope);

}  // namespace envtool
