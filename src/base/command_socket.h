#pragma once

#include <cstdint>
#include <string>

#include "base/files.h"

namespace envtool {

/// The command as a shell is to run it: `%h` and `%p` become host and port, `%%` a percent sign. It is what
/// ssh_config(5) calls a ProxyCommand.
std::string fill_in_command(const std::string& command, const std::string& host, std::uint16_t port);

/// A non-blocking socket whose other end is standard input and output of that command. The command hears of
/// its closing by the end of its input; nobody has to wait for it, and its messages go to that descriptor, or
/// nowhere. On failure the result is invalid and errno says why.
UniqueFd connect_by_command(const std::string& command, const std::string& host, std::uint16_t port,
                            int messages = -1);

}  // namespace envtool
