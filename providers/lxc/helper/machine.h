#pragma once

#include "providers/lxc/helper/context.h"

/// The operations on one machine, as the helper's requests name them. What each needs of the request is said
/// there; all need `name` and `environment`. They throw Error and answer with a map.
namespace envtool::lxc {

/// Writes the machine down, then makes its files: stopped, with its identity in place. Answers `needs_import`
/// when the box is not unpacked yet, before anything is made.
Value create_machine(Context& context);
/// Starts it with the request's hostname, hosts, folders and limits. Of a running one: nothing to do.
Value start_machine(Context& context);
/// With `graceful` only asks the guest, else ends it.
Value stop_machine(Context& context);
/// Removes every trace of it, half-made ones too.
Value destroy_machine(Context& context);
/// Makes the running machine's folders those of the request.
Value update_folders(Context& context);

}  // namespace envtool::lxc
