#pragma once

#include <string>

#include "core/box.h"

namespace envtool {

/// A recipe makes a box of each format. Of those, the one that the request likes best; none of them: what
/// check_format then refuses.
std::string recipe_format(const BoxRequest& request);

/// What a recipe's box of that format is, for the index.
struct RecipeWork {
  std::string key;
  int version = 0;
};
RecipeWork recipe_work(const std::string& recipe, const std::string& format);

}  // namespace envtool
