#pragma once

#include <filesystem>

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// Gives an unpacked image, in place, what a machine needs and it lacks: sshd, python3, sudo, the ssh user.
/// It runs for that as a container that nobody else sees, with the network of machines. Request: `box` (for
/// messages), `user`. One at a time on a host; what a killed one left is removed before. False when it lacks
/// nothing. Throws Error(failed) with the end of what the image said; it is then gone.
bool prepare_image(Context& context, const std::filesystem::path& rootfs);

/// Removes what a killed preparation left, where none goes on.
void tidy_preparation(Context& context);

}  // namespace envtool::lxc
