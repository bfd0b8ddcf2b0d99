#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// What a folder's `exclude` names, for copies that rsync does not make: its patterns, as rsync(1) has them.
/// A leading slash ties one to the folder's top, a trailing one means directories only, `**` goes across
/// slashes, and `dir/***` is the directory with all in it.
class ExcludePatterns {
 public:
  /// The project's own `.envtool` is always among them.
  explicit ExcludePatterns(std::vector<std::string> patterns);
  /// Whether that path, relative to the folder's top, is left out itself. What lies in a directory that is
  /// left out need not be asked for.
  bool contain(std::string_view relative, bool is_directory) const;

 private:
  std::vector<std::string> patterns_;
};

}  // namespace envtool
