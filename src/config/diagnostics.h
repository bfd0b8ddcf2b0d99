#pragma once

#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/error.h"

namespace envtool {

/// In the order of the files; what has no place comes first.
void sort_by_place(std::vector<Diagnostic>& problems);

/// Collects what is wrong in the user's files, so that all of it is shown at once. A problem at a place is
/// kept once, however many machines meet it.
class Diagnostics {
 public:
  void add(const SourcePosition& position, std::string text, std::string hint = {});
  std::size_t count() const { return found_.size(); }
  /// Throws Error(bad_envfile) with everything in the order of the files, when there is anything.
  void throw_if_any() const;

 private:
  std::vector<Diagnostic> found_;
  std::set<std::tuple<const SourceText*, int, int, std::string>> seen_;
};

}  // namespace envtool
