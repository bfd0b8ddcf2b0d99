#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/disks.h"

/// Disks beside the root disk: directories, owned on the host as a box's files are. One that outlives its
/// machine lies below `disks`; any other is a layer of the machine's own, which goes and comes back with it.
namespace envtool::lxc {

/// Makes those of the request that are not there, and mounts each at its place below the machine's mounts, in
/// this process's namespace. What the request says of keeping one counts from now on.
void prepare_disks(Context& context, const Record& record);

/// The machine's other disks go with it from now on; without a machine they go at once.
Value keep_disks(Context& context);

/// Takes away what removed disks left, and the place of the machine's when it has none.
void tidy_disks(const Layout& layout, const std::string& machine);

}  // namespace envtool::lxc
