#pragma once

#include <optional>
#include <string>
#include <vector>

#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

namespace envtool::libvirt {

/// What the domain says of itself; nothing for one that envtool did not make.
std::optional<MachineTag> tag_of(const Domain& domain);

struct TaggedDomain {
  std::string name;
  MachineTag tag;
};
/// All domains of the connection that envtool made, running or not.
std::vector<TaggedDomain> tagged_domains(const Connection& connection);

}  // namespace envtool::libvirt
