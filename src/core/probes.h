#pragma once

#include "config/model.h"
#include "core/communicator.h"

namespace envtool {

/// Waits until a probe succeeds, asking at least once. `guest` is called only for a `run` probe.
/// Throws Error(failed) at the probe's position, with what was last seen and the probe's own hint.
void wait_for_probe(const ReadyProbe& probe, const SshEndpoint& endpoint,
                    const std::function<Communicator&()>& guest, Operation& operation);

}  // namespace envtool
