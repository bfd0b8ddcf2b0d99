#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

namespace envtool::libvirt {

/// Its XML as it is now, and as it is to be at its next start.
std::string description_of(const Domain& domain);
std::string definition_of(const Domain& domain);

/// What the domain says of itself; nothing for one that envtool did not make.
std::optional<MachineTag> tag_of(const Domain& domain);

struct TaggedDomain {
  std::string name;
  MachineTag tag;
};
/// All domains of the connection that envtool made, running or not.
std::vector<TaggedDomain> tagged_domains(const Connection& connection);

}  // namespace envtool::libvirt
