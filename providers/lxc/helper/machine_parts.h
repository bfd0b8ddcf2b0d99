#pragma once

#include <vector>

#include "providers/lxc/helper/context.h"
#include "providers/lxc/helper/folders.h"
#include "providers/lxc/helper/guest_tree.h"
#include "providers/lxc/helper/surroundings.h"
#include "providers/lxc/parts/stack.h"

/// What a machine's start is made of, for others who run a container.
namespace envtool::lxc {

/// Mounts the machine's root file system at its place, in this process's namespace, and gives a view for
/// writing.
GuestTree mount_rootfs(const Context& context, const Record& record);
/// The same with these layers instead of the machine's.
GuestTree mount_rootfs(const Context& context, const Record& record, const LayerStack& stack);

/// Writes the container's configuration anew, and empties its logs.
void write_config(Context& context, const Record& record, const std::vector<SharedFolder>& folders,
                  const Surroundings& around);

}  // namespace envtool::lxc
