#pragma once

#include "config/options.h"

namespace envtool::libvirt {

/// The options below `providers: libvirt:`.
PluginSchema options_schema();

}  // namespace envtool::libvirt
