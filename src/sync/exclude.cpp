#include "sync/exclude.h"

#include <utility>

namespace envtool {

namespace {

constexpr auto npos = std::string_view::npos;

/// Takes a bracket expression off the pattern; whether the character is in it. One that does not end has
/// none.
bool takes_bracket(std::string_view& pattern, char c) {
  const std::size_t first = pattern.find_first_not_of("!^", 1) == 1 ? 1 : 2;
  const std::size_t end = pattern.find(']', first + 1);
  if (end == npos) return false;
  const std::string_view members = pattern.substr(first, end - first);
  bool found = false;
  for (std::size_t at = 0; at < members.size(); ++at) {
    const bool is_range = at + 2 < members.size() && members[at + 1] == '-';
    found |= is_range ? members[at] <= c && c <= members[at + 2] : members[at] == c;
    if (is_range) at += 2;
  }
  pattern.remove_prefix(end + 1);
  return c != '/' && found != (first == 2);
}

bool matches(std::string_view pattern, std::string_view text) {
  while (!pattern.empty()) {
    if (pattern[0] == '*') {
      const bool crosses = pattern.starts_with("**");
      pattern.remove_prefix(pattern.find_first_not_of('*') == npos ? pattern.size()
                                                                   : pattern.find_first_not_of('*'));
      for (;; text.remove_prefix(1)) {
        if (matches(pattern, text)) return true;
        if (text.empty() || (text[0] == '/' && !crosses)) return false;
      }
    }
    if (text.empty()) return false;
    const char c = text[0];
    text.remove_prefix(1);
    if (pattern[0] == '[') {
      if (!takes_bracket(pattern, c)) return false;
      continue;
    }
    if (pattern[0] == '\\' && pattern.size() > 1)
      pattern.remove_prefix(1);
    else if (pattern[0] == '?' && c != '/') {
      pattern.remove_prefix(1);
      continue;
    }
    if (pattern[0] != c) return false;
    pattern.remove_prefix(1);
  }
  return text.empty();
}

/// rsync takes a backslash for itself where nothing is there to be escaped.
bool fits(std::string_view pattern, std::string_view text) {
  return pattern.find_first_of("*?[") == npos ? pattern == text : matches(pattern, text);
}

bool fits_somewhere(std::string_view pattern, std::string_view path) {
  if (pattern.starts_with('/')) return fits(pattern.substr(1), path);
  if (pattern.starts_with("**/") && fits(pattern.substr(3), path)) return true;
  for (std::size_t at = 0; at != npos; at = path.find('/', at)) {
    if (at > 0) ++at;
    if (fits(pattern, path.substr(at))) return true;
  }
  return false;
}

}  // namespace

ExcludePatterns::ExcludePatterns(std::vector<std::string> patterns) : patterns_(std::move(patterns)) {
  patterns_.emplace_back(".envtool/");
}

bool ExcludePatterns::contain(std::string_view relative, bool is_directory) const {
  for (std::string_view pattern : patterns_) {
    if (pattern.ends_with("/***")) pattern.remove_suffix(3);
    if (pattern.ends_with('/')) {
      if (!is_directory) continue;
      pattern.remove_suffix(1);
    }
    if (!pattern.empty() && fits_somewhere(pattern, relative)) return true;
  }
  return false;
}

}  // namespace envtool
