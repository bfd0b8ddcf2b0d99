#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/project_networks.h"

/// Networks of the request beside the shared one. A project's own lives as long as a machine's record names
/// it: it is made when its first machine starts, and goes with its last. All but the first function REQUIRE
/// that `Network`'s lock is held.
namespace envtool::lxc {

/// The machine's place on a bridge of the host's. Throws Error(host_not_ready) when there is no such bridge,
/// and Error(failed) when it has no such address.
NetworkLink choose_place(const Context& context, const WantedNetwork& wanted);

/// The machine's places in all of them, checked against what else is on this host, and nothing made yet.
/// `earlier`: what the machine has now; its chosen addresses stay. `shared`: the subnet of the shared bridge.
std::vector<NetworkLink> choose_links(const Context& context, const std::vector<NetworkLink>& earlier,
                                      const IpSubnet& shared);

/// Makes the project's bridges that the record names, or sets them up anew where the request has them
/// otherwise.
void ensure_bridges(const Context& context, const Record& record);

/// Removes the project's bridges among `links` that neither `wanted` nor any other machine's record names,
/// with all of their rules.
void remove_unused_bridges(const Context& context, const std::vector<NetworkLink>& links,
                           const std::vector<WantedNetwork>& wanted);

}  // namespace envtool::lxc
