#pragma once

#include "config/scope.h"

namespace envtool {

/// The shorthands of list items: each turns a scalar into the map that it stands for, its text expanded, and
/// leaves a map alone. False, with the problem reported, when the text is none.
bool rewrite_port(Node& item, const Scope& scope);
bool rewrite_folder(Node& item, const Scope& scope);
bool rewrite_network(Node& item, const Scope& scope);

}  // namespace envtool
