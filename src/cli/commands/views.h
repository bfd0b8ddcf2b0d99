#pragma once

#include "core/engine.h"

/// Machines as data and as words, for several commands.
namespace envtool {

Value to_value(const MachineStatus& status);
Value to_value(const Forward& forward);
/// "127.0.0.1:8080 -> 80", "/udp" behind it where it is.
std::string to_text(const Forward& forward);

}  // namespace envtool
