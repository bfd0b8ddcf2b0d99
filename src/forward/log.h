#pragma once

#include <string_view>

namespace envtool::forward {

/// Writes a line with the time to standard error, which is the machine's forwarder.log; the file starts anew
/// when it has grown to 1 MiB. Never throws.
void log_line(std::string_view text);

/// The same for what a client can cause as often as it likes: at most one line in ten seconds is written.
void log_rarely(std::string_view text);

}  // namespace envtool::forward
