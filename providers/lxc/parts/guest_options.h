#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/value.h"

namespace envtool::lxc {

/// What the Envfile's options allow a guest beside its raw configuration, or take from it.
struct GuestOptions {
  bool nesting = false;                        ///< containers in it may mount a /proc and a /sys of their own
  std::vector<std::string> devices = {};       ///< device nodes of the host's that it has too, by path
  std::optional<std::int64_t> temporary = {};  ///< bytes of a tmpfs on /tmp
  std::vector<std::string> capabilities = {};  ///< that nobody in it has, "sys_time"
};

/// Throws Error(failed) for a path that is no plain one below /dev, or a capability that there is not.
GuestOptions parse_guest_options(const Value& options);

}  // namespace envtool::lxc
