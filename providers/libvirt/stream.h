#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "providers/libvirt/connection.h"

namespace envtool::libvirt {

/// Writes the volume's content from its beginning; `next` gives chunks and an empty one at the end. When
/// `next` throws, the stream is aborted. Throws Error(failed).
void upload(const Connection& connection, const Volume& volume, std::uint64_t size,
            const std::function<std::string_view()>& next);

/// Gives the volume's bytes from `offset` on in chunks. Throws Error(failed), and what `take` throws.
void download(const Connection& connection, const Volume& volume, std::uint64_t offset,
              const std::function<void(std::string_view)>& take);
/// All at once.
std::string download(const Connection& connection, const Volume& volume, std::uint64_t offset);

}  // namespace envtool::libvirt
