#pragma once

#include "core/provider.h"

namespace envtool::lxc {

/// What `create` and `start` of the helper are told of a machine. Identity and box count at create only.
Value machine_request(const MachineSpec& spec);
void add_identity(Value& request, const GuestIdentity& identity);

}  // namespace envtool::lxc
