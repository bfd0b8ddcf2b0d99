#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "boxes/pins.h"
#include "core/box.h"

namespace envtool {

/// A `.box` file of this host.
struct LocalBoxAddress {
  std::filesystem::path path;  ///< absolute, lexically normal
};

/// A box that is made on this host: `build:debian/bookworm`.
struct RecipeAddress {
  std::string recipe;  ///< "debian/bookworm"
};

/// A box file of an http(s) server.
struct WebAddress {
  std::string url;
};

using BoxAddress = std::variant<LocalBoxAddress, RecipeAddress, WebAddress, NamedAddress>;

/// What a box's address means. Throws at the box's position: Error(bad_envfile) for one that means nothing,
/// names no known recipe or has keys that do not go with it, Error(unsupported) for a kind that this version
/// does not read. Looks at no file.
BoxAddress box_address(const BoxConfig& box, const std::filesystem::path& home);

/// The formats whose files are locked along with the one that is taken.
std::vector<std::string> formats_to_keep(const BoxRequest& request);
/// What a lock keeps of a recipe: its version as it is now, for each format that is to be kept.
std::vector<BoxPin> recipe_pins(const BoxRequest& request, const RecipeAddress& address);

}  // namespace envtool
