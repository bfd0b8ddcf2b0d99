#include "config/diagnostics.h"

#include <fmt/format.h>

#include <algorithm>

namespace envtool {

void sort_by_place(std::vector<Diagnostic>& problems) {
  const auto file = [](const Diagnostic& each) {
    return each.position ? each.position.source->name : std::string();
  };
  std::stable_sort(problems.begin(), problems.end(), [&](const Diagnostic& a, const Diagnostic& b) {
    return std::tuple(file(a), a.position.line, a.position.column) <
           std::tuple(file(b), b.position.line, b.position.column);
  });
}

void Diagnostics::add(const SourcePosition& position, std::string text, std::string hint) {
  if (!seen_.emplace(position.source.get(), position.line, position.column, text).second) return;
  found_.push_back({std::move(text), position, std::move(hint)});
}

void Diagnostics::throw_if_any() const {
  if (found_.empty()) return;
  constexpr std::size_t shown = 100;
  std::vector<Diagnostic> sorted = found_;
  sort_by_place(sorted);
  if (sorted.size() > shown) {
    const std::size_t more = sorted.size() - shown;
    sorted.resize(shown);
    sorted.push_back({fmt::format("{} more problems are not shown", more), {}, {}});
  }
  throw Error(ErrorKind::bad_envfile, std::move(sorted));
}

}  // namespace envtool
