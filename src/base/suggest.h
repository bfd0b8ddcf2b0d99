#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// The known word nearest to what was typed, or an empty text when none is near enough to be meant.
std::string nearest(std::string_view typed, const std::vector<std::string>& known);

/// "did you mean 'memory'?", or an empty text.
std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known);

}  // namespace envtool
