#pragma once

#include <string>
#include <vector>

#include "base/files.h"
#include "core/provider.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/names.h"

/// Networks beside the one that every machine has: the project's own, and devices of the host's.
namespace envtool::libvirt {

/// Held from choosing a machine's addresses until its domain has them, and while networks go.
FileLock lock_networks(Operation& operation);

/// The machine's places in the networks of the spec: each network is made when it is missing and started when
/// it does not run, and addresses are the earlier ones where they can be. REQUIRES: lock_networks, until the
/// domain is defined with them. Throws Error(failed) for a subnet or an address that somebody else has,
/// Error(host_not_ready) for a device that the host lacks.
std::vector<NetworkLink> join_networks(const Connection& connection, const MachineSpec& spec,
                                       const std::vector<NetworkLink>& earlier);

/// Starts those that a machine has already. REQUIRES: lock_networks.
void start_networks(const Connection& connection, const MachineTag& tag);

/// Removes the environment's networks that no domain of its has any more. REQUIRES: lock_networks.
void drop_networks(const Connection& connection, const std::string& environment);

/// Where the running or stopped machine is in them. Of a running one that asks others for its address, the
/// guest's agent is asked.
std::vector<NetworkPlace> places_of(const Domain& domain, const MachineTag& tag, bool is_running);

}  // namespace envtool::libvirt
