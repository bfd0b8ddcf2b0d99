#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// A piece of a text: as it is, or what stands between `${` and `}`.
struct TextPart {
  bool is_reference = false;
  std::string text;
};

/// The text cut at its references; `$$` has become a dollar sign and a bare `$x` stays. Nothing when a `${`
/// has no end.
std::optional<std::vector<TextPart>> split_references(std::string_view text);

/// The text so that `split_references` gives it back as it is.
std::string escape_references(std::string_view text);

}  // namespace envtool
