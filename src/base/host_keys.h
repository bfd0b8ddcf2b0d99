#pragma once

#include <string>
#include <string_view>

namespace envtool {

/// The text of a systemd unit that makes a guest's SSH host keys at a boot where nobody has put any in place,
/// before the units named (sshd's). Its condition costs nothing where somebody did. Host keys are no part of
/// a box.
std::string host_key_unit(std::string_view before);

}  // namespace envtool
