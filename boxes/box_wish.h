#pragma once

#include <functional>
#include <string>

#include "config/model.h"

/// What the parts of the store ask of an Envfile's box.
namespace envtool {

/// The sha256 that the Envfile wants, in lower case; empty when it names none. Throws Error(bad_envfile).
std::string wanted_digest(const BoxConfig& box);

/// Does it; an error names the box and its place.
void about(const BoxConfig& box, const std::function<void()>& work);

}  // namespace envtool
