#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Unpacks the root file system that comes as an archive on standard input, seals it, and puts it in its
/// place in one step: a box is complete or absent. A box that is there is left as it is. Request: `digest`,
/// `box` (its name, for messages). Throws Error(failed) for what is not an archive.
Value import_box(Context& context);

/// Removes the unpacked box, unless a machine's record names it. A record that cannot be read is
/// Error(failed).
Value forget_box(Context& context);

}  // namespace envtool::lxc
