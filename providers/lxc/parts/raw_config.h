#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/value.h"

namespace envtool::lxc {

/// What is wrong with the option `config` on every host: keys that are none of LXC's, or that envtool sets
/// itself. One that merely is not known here may be of a newer LXC, unless it is nearly one that is.
std::vector<Diagnostic> raw_config_problems(const Value& option);

/// The option `config` as pairs of keys and values. Throws Error(failed) with its problems.
std::map<std::string, std::string> raw_config_of(const Value& option);

/// The LXC of this host does not know these keys of the option `config`.
std::vector<Diagnostic> unknown_keys(const Value& option, const std::vector<std::string>& keys);

}  // namespace envtool::lxc
