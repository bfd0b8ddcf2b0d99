#pragma once

#include "core/capabilities.h"
#include "providers/libvirt/connection.h"

/// What can be done with a domain that runs: powers of the provider.
namespace envtool::libvirt {

/// Of a domain that does not run: Error(failed).
void pause(const Domain& domain, const std::string& name);
/// Runs it on and sets its clock. Running already: nothing to do.
void go_on(const Domain& domain, const std::string& name, Operation& operation);
/// Lets the guest's agent set the clock to the host's time; says so when there is none.
void set_clock(const Domain& domain, Operation& operation);

/// More than it was started with a machine cannot take: then both are no limit.
Limits limits_of(const Connection& connection, const Domain& domain);
void set_limits(const Connection& connection, const Domain& domain, const Limits& limits,
                Operation& operation);
/// "0-1,4" as the bits of libvirt's CPU maps; empty when the text is none, or names one past `cpus`.
std::string cpu_map(std::string_view text, unsigned cpus);
/// The other way round; empty for all CPUs.
std::string cpu_set_text(std::string_view map, unsigned cpus);

MachineUsage usage_of(const Domain& domain, const std::string& mac);

}  // namespace envtool::libvirt
