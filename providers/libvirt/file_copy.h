#pragma once

#include <cstdint>

#include "core/operation.h"

namespace envtool::libvirt {

/// Writes the whole content of `from` into `to`, which has that size and only zeros, in the kernel: as shared
/// blocks where the file system can share them, and leaving holes where `from` has some. Says how far it is.
/// Throws Error(failed), and Interrupted in between; `to` then holds a part.
void copy_into_zeros(int from, int to, std::uint64_t size, Operation& operation);

}  // namespace envtool::libvirt
