#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace envtool::lxc {

/// What the Envfile's options allow a guest beside its raw configuration, or take from it.
struct GuestOptions {
  bool nesting = false;                        ///< containers in it may mount a /proc and a /sys of their own
  std::vector<std::string> devices = {};       ///< device nodes of the host's that it has too, by path
  std::optional<std::int64_t> temporary = {};  ///< bytes of a tmpfs on /tmp
  std::vector<std::string> capabilities = {};  ///< that nobody in it has, "sys_time"
};

/// Paths that are no plain ones below /dev, capabilities that there are not, what is no set of CPUs.
std::vector<Diagnostic> guest_option_problems(const Value& options);

/// Throws Error(failed) with those.
GuestOptions parse_guest_options(const Value& options);

}  // namespace envtool::lxc
