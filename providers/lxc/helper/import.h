#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Unpacks the root file system that comes as frames of a plain tar on standard input, seals it, writes down
/// what it holds, and puts it in its place in one step: a box is complete or absent. A box that is there is
/// left as it is. Request: `box` (its name, for messages), `packed` (at least so much room is needed),
/// `prepare` and `user` for a bare one (see prepare_image). The
/// digest comes with the last frame; a stream without it is dropped. Answer: `manifest`, the digest of the
/// manifest. Throws Error(failed) for what is no tar of a root file system.
Value import_box(Context& context);

/// Reads the unpacked box once more and compares it with its manifest. Request: `digest`, `manifest` (may be
/// empty). Throws Error(failed) with the first difference.
Value verify_box(Context& context);

/// Removes the unpacked box, unless a machine's record names it. A record that cannot be read is
/// Error(failed).
Value forget_box(Context& context);

/// Whether that box is there. One that was lost when the host went down is removed (see settled.h).
bool has_whole_box(const Layout& layout, const std::string& digest);

}  // namespace envtool::lxc
