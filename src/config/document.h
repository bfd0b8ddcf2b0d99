#pragma once

#include "config/node.h"
#include "config/shape.h"

namespace envtool {

/// A checked tree as data to show: each scalar as the Envfile would say it, so that reading it again gives
/// the same. Keys that a fixed map of the shape does not have are left out.
Value document_of(const Node& node, const Shape& shape);

}  // namespace envtool
