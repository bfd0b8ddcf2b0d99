#pragma once

#include "config/files.h"
#include "config/tables.h"

namespace envtool {

/// The layers cut into what each machine is made of.
struct MachineLayers {
  struct Block {
    std::string name;
    SourcePosition position = {};
    std::vector<Node> layers = {};
    std::optional<int> count = std::nullopt;
  };
  std::vector<Node> defaults;                ///< settings at the top level, one a layer
  std::vector<Block> blocks;                 ///< in the order of the files
  std::map<std::string, std::size_t> index;  ///< of `blocks`, by name
  SourcePosition position;

  bool are_several() const;
};

/// Takes the settings and blocks out of the layers. The scope knows parameters and environment, for `count`.
MachineLayers cut_machines(const std::vector<Layer>& layers, const Tables& tables, const Scope& scope);

/// Every machine there is to be, in the order of the file.
std::vector<MachineIdentity> identify(const MachineLayers& layers, const Scope& scope);

/// One machine's merged tree, not checked yet. `scope.machine` is who it is.
Node assemble(const MachineLayers& layers, const Tables& tables, const Scope& scope);

/// Reports settings at the top level and under `count` that only one machine can have.
void report_shared(const MachineLayers& layers, const Tables& tables,
                   const std::vector<MachineIdentity>& machines, const Scope& scope);

}  // namespace envtool
