#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Writes the machine's root file system to standard output before the answer, as frames of a plain tar, as
/// Package::export_rootfs has it. Of a machine that runs, by copying what it wrote while it stands still.
Value export_machine(Context& context);

}  // namespace envtool::lxc
