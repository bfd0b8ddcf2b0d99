#pragma once

#include <string>
#include <vector>

namespace envtool {

/// The text of a YAML file with one more setting: `value`, a plain scalar, under these keys. All else of the
/// text stays as it is, comments too. Throws Error(failed) when that cannot be done without touching more,
/// with the lines that the user is to write as the hint. `what` names the file.
std::string with_setting(const std::string& text, const std::vector<std::string>& keys,
                         const std::string& value, const std::string& what);

}  // namespace envtool
