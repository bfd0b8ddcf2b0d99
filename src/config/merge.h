#pragma once

#include "config/shape.h"

namespace envtool {

/// Lays one layer over another, as the shape says: maps key by key, `null` takes an inherited key away, lists
/// marked `merge_by` item by item, every other list and scalar replaced whole. Items of marked lists come out
/// as maps, without those that are `disabled`. Problems (a key twice in one list) go to the scope.
void merge_layer(Node& base, Node overlay, const Shape& shape, const Scope& scope);

}  // namespace envtool
