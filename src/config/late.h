#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/value.h"

namespace envtool {

/// Answers a dotted reference without its braces ("machine.ip", "machines.db.port.80", "secret.vault"), or
/// nothing when it is not known now.
using LateLookup = std::function<std::optional<std::string>(const std::string& reference)>;

/// The value with every late text expanded, in lists and maps too. Throws Error(failed) at the value's
/// position naming the reference that is not known, and when it can be used.
Value expand_late(const Value& value, const LateLookup& lookup);
/// The same for one text; a value that is not text gives an empty one.
std::string expand_late_text(const Value& value, const LateLookup& lookup);

}  // namespace envtool
