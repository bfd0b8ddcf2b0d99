#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "providers/libvirt/connection.h"

/// QEMU's user network, which needs no right at all: the guest gets out by the QEMU process, and in by ports
/// of this host's loopback that QEMU listens on. They are asked of QEMU and kept nowhere.
namespace envtool::libvirt {

/// The port of 127.0.0.1 behind which the guest's port 22 is, out of what QEMU's `info usernet` says.
std::optional<int> ssh_port_in(std::string_view info);

/// The same of a domain that runs; nothing when there is none yet. Throws Error(failed).
std::optional<int> ssh_port_of(const Domain& domain);

/// Lets QEMU listen on a port that is free, unless it has one. Throws Error(failed).
void open_ssh_port(const Domain& domain, const std::string& name);

}  // namespace envtool::libvirt
