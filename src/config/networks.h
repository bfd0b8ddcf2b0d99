#pragma once

#include "config/model.h"
#include "config/scope.h"

namespace envtool {

/// What any machine says of a network of the project (subnet, isolated or not, a bridge of the host's) is
/// written into the others that name it, for each provider apart. Then addresses are checked: inside of their
/// subnet, not the host's own, one machine each; and subnets, which must not overlap.
void settle_networks(ProjectConfig& project, Diagnostics& problems);

/// Collects the names of networks in a machine's part of an Envfile, also in its providers' blocks.
/// `names.knows_networks` becomes false where one is made of references.
void learn_networks(const Node& machine, Names& names);

}  // namespace envtool
