#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "config/scope.h"

namespace envtool {

/// A decimal number with an optional minus; nothing for anything else or what does not fit.
std::optional<std::int64_t> parse_integer(std::string_view text);

/// "true" or "false" for what YAML 1.1 readers take for a boolean beside these two ("yes", "Off", "TRUE"),
/// else empty.
std::string boolean_meant(std::string_view text);

/// An unquoted scalar of free data, typed as YAML 1.2's core schema does, but text where YAML 1.1 and 1.2
/// disagree or a number would lose digits ("0644", 20 digits).
Value typed_scalar(const std::string& text);

/// The path in a scalar: `~` is the home, a relative one starts at the directory of the file that holds it.
std::filesystem::path absolute_path(const Node& node, const Scope& scope);

}  // namespace envtool
