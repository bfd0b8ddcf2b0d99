#pragma once

#include "providers/lxc/helper/context.h"

namespace envtool::lxc {

/// What this kernel and disk can do for machines, tried for real and kept until the kernel changes.
struct HostFacts {
  bool overlay = false;   ///< an overlay over a box whose owners are shifted
  bool shifting = false;  ///< idmapped mounts, without which only privileged machines work
  std::string refusal;    ///< the kernel's words
};

/// Tries, or reads what the last trial under this kernel found. Throws Error(host_not_ready) when it cannot
/// try.
HostFacts host_facts(Context& context, bool anew = false);

/// The operation `check`: answers the facts and the missing programs.
Value check_host(Context& context);

}  // namespace envtool::lxc
