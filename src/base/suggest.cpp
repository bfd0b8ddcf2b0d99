#include "base/suggest.h"

#include <algorithm>
#include <cctype>
#include <numeric>

namespace envtool {

namespace {

/// Edits (insert, delete, replace, swap neighbours) between two words; optimal string alignment distance.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), previous(b.size() + 1), current(b.size() + 1);
  std::iota(previous.begin(), previous.end(), 0u);
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    std::swap(before, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string nearest(std::string_view typed, const std::vector<std::string>& known) {
  if (typed.size() > 64) return {};
  const auto same =
      std::ranges::find_if(known, [&](const std::string& word) { return equal_but_for_case(typed, word); });
  if (same != known.end()) return *same;
  const std::string* best = nullptr;
  // A word of which nothing would stay is none that was meant.
  size_t best_distance = std::min(typed.size(), std::max<size_t>(1, typed.size() / 3) + 1);
  for (const std::string& word : known) {
    const size_t edits = distance(typed, word);
    if (edits < best_distance) {
      best_distance = edits;
      best = &word;
    }
  }
  return best ? *best : std::string();
}

std::string did_you_mean(std::string_view typed, const std::vector<std::string>& known) {
  const std::string word = nearest(typed, known);
  return word.empty() ? word : "did you mean '" + word + "'?";
}

}  // namespace envtool
