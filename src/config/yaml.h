#pragma once

#include <memory>
#include <optional>

#include "config/diagnostics.h"
#include "config/node.h"

namespace envtool {

/// Reads one YAML document into a tree, aliases and `<<` resolved. Duplicate keys, keys that are no text and
/// unknown tags are reported and the rest is read; nothing is returned when there is no tree at all: not
/// YAML, a second document, a cycle of anchors, more than 100,000 nodes, nested deeper than 100 levels. A
/// file without content gives a null node.
std::optional<Node> parse_yaml(const std::shared_ptr<const SourceText>& source, Diagnostics& problems);

}  // namespace envtool
