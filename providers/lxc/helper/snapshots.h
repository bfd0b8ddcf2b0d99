#pragma once

#include "providers/lxc/helper/context.h"
#include "providers/lxc/parts/stack.h"

/// The operations on a machine's snapshots. All need `snapshot`, its name, but the last.
namespace envtool::lxc {

/// The layers of the machine as it is now, the highest of them a copy, made while it stands still, in a layer
/// that is new in the stack.
std::vector<std::string> copy_aside(const Context& context, const Record& record, LayerStack& stack);

/// Of a stopped machine by beginning a new layer, of a running one by copying what it wrote while it stands
/// still.
Value save_snapshot(Context& context);
/// Of a stopped machine: begins a new layer over those of the snapshot.
Value restore_snapshot(Context& context);
/// Not there: nothing to do.
Value delete_snapshot(Context& context);
/// Measures those whose size is not known yet and keeps it with them.
Value measure_snapshots(Context& context);

}  // namespace envtool::lxc
