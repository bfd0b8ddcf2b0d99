#pragma once

#include "providers/lxc/helper/context.h"

/// What takes the caller's standard streams, and therefore answers with nothing but an exit status.
namespace envtool::lxc {

/// Runs `words` in the running machine as the request's `user`, or without words its `script` by that user's
/// shell, or a login shell; in `directory`, with `variables` over the user's own, on a terminal of its own
/// with `terminal`. Gives its exit status, 128 + signal, or 127 when there is no such program. Throws
/// Error(failed) when it cannot get in.
int attach_to_machine(Context& context, const std::vector<std::string>& words);

/// Joins the terminal to the machine's console until Ctrl-a q is typed or its run ends.
int open_console(Context& context);

}  // namespace envtool::lxc
