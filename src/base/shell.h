#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// One word for a POSIX shell, quoted only when it needs to be.
std::string quote_shell(std::string_view word);
/// A command line that a POSIX shell reads as exactly these words.
std::string quote_command(const std::vector<std::string>& words);

}  // namespace envtool
