#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "core/provider.h"
#include "providers/libvirt/connection.h"
#include "providers/libvirt/domains.h"
#include "providers/libvirt/names.h"
#include "providers/libvirt/storage.h"

/// One machine in a libvirt that is connected: what the provider's calls do there.
namespace envtool::libvirt {

/// Whether it runs now, with KVM.
bool runs_on_kvm(const Domain& domain);

/// State and reason, as libvirt has them.
MachinePhase phase_of(const Domain& domain);
MachineState state_of(const Connection& connection, const std::string& name);

/// Volumes, address and domain, in this order: a domain that is defined is complete. `pool_directory` is
/// where a pool is made when there is none.
void create_machine(const Connection& connection, const MachineSpec& spec, const Box& box,
                    const std::filesystem::path& pool_directory, Operation& operation);
/// Reserved for it; none in a session.
std::string address_of(const Connection& connection, const MachineNames& names);
/// Defines the domain, its volumes being there. The networks of the spec are the machine's from then on.
void define_machine(const Connection& connection, const Storage& storage, const MachineSpec& spec,
                    MachineTag tag, Operation& operation);
/// Starts the domain as it is defined. Running already: nothing to do.
void run_machine(const Connection& connection, const Domain& domain, const std::string& name);
/// Defines the domain anew from the spec, and starts it.
void start_machine(const Connection& connection, const MachineSpec& spec, Operation& operation);
void stop_machine(const Connection& connection, const std::string& name, StopMode mode,
                  std::chrono::milliseconds timeout, Operation& operation);
/// Throws Error(failed) when the domain of that name is another's.
void destroy_machine(const Connection& connection, const MachineNames& names, Operation& operation);

}  // namespace envtool::libvirt
