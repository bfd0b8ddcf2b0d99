#pragma once

#include "config/shape.h"

namespace envtool {

/// Expands, validates and types a tree by its shape. Shorthands in `node` become the maps they stand for, and
/// its scalars are expanded, so that afterwards it can be shown. Problems go to the scope; what has one is
/// null or left out in the result. A size becomes an integer of bytes, a duration an integer of milliseconds,
/// a path absolute text; fallbacks are filled in; every value has its position. `path` is how the user would
/// name the place ("providers.lxc"), for messages.
Value check(Node& node, const Shape& shape, const std::string& path, const Scope& scope);

/// Whether the whole text is of that format.
bool matches(std::string_view text, const Format& format);

/// "5m", "60s", "1h30m", "500ms", "2d" in milliseconds.
std::optional<std::int64_t> parse_duration(std::string_view text);

}  // namespace envtool
