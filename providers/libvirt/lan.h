#pragma once

#include <string>

#include "core/operation.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

/// Our network, which all machines of a connection share.
namespace envtool::libvirt {

/// Makes the network when it is missing, starts it when it does not run, and reserves an address for the
/// machine unless it has one. Gives the address. Safe from several processes at once. Throws Error(failed)
/// when a network of that name is not ours, and when no subnet or address is free.
std::string reserve_address(const Connection& connection, const MachineNames& names);

/// Gives the machine's address back, and removes the network with the last one.
void release_address(const Connection& connection, const MachineNames& names);

/// The host's device of the network; empty when there is none.
std::string network_device(const Connection& connection);

}  // namespace envtool::libvirt
