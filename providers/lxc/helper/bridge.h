#pragma once

#include <optional>
#include <string>

namespace envtool::lxc {

/// The alias of a network device of this host, by which envtool knows its bridges; nothing when there is no
/// such device. A bridge without an alias or a port is half made, since the alias comes last: it is removed.
std::optional<std::string> device_alias(const std::string& device);

/// Throws Error(failed): a device of somebody else's has the name that a bridge of ours is to have.
[[noreturn]] void refuse_device(const std::string& device);

/// Keeps systemd-networkd, where it runs, from envtool's devices until `manage_again`. Before they are made.
void keep_unmanaged(const std::string& bridge);
void manage_again(const std::string& bridge);

}  // namespace envtool::lxc
