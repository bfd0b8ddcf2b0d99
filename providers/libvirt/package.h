#pragma once

#include <string>

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

/// A machine's copy, which becomes a box.
namespace envtool::libvirt {

/// The copy's own: a name nobody gives a machine, since a machine's ends with other characters.
MachineNames copy_of(const MachineNames& machine);

/// Makes and starts the copy of the spec's machine: over its disks where that stands still, else with what
/// was on them at a moment. Throws Error(failed).
void start_copy(const Connection& connection, const MachineSpec& spec, Operation& operation);
/// The stopped copy's disks, each alone in an image of its own.
NewBoxDisks export_disks(const Connection& connection, const MachineNames& copy);
/// Whatever there is of it. Not there: nothing to do.
void remove_copy(const Connection& connection, const MachineNames& machine, Operation& operation);

}  // namespace envtool::libvirt
