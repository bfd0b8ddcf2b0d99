#include "base/version.h"

#include <algorithm>
#include <cctype>

#include "base/text.h"

namespace envtool {

namespace {

constexpr size_t longest_version = 256;

bool is_number(std::string_view part) {
  return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
}

int compare_numbers(std::string_view a, std::string_view b) {
  const auto strip = [](std::string_view number) {
    const size_t first = number.find_first_not_of('0');
    return first == std::string_view::npos ? std::string_view() : number.substr(first);
  };
  a = strip(a);
  b = strip(b);
  if (a.size() != b.size()) return a.size() < b.size() ? -1 : 1;
  return a.compare(b);
}

/// Without the zeros that end the release and the pre-release: "1.0.0.a" is "1.a".
std::vector<std::string> canonical(const std::vector<std::string>& parts) {
  std::vector<std::string> kept;
  const auto drop_zeros = [&] {
    while (!kept.empty() && kept.back().find_first_not_of('0') == std::string::npos) kept.pop_back();
  };
  const auto prerelease = std::find_if_not(parts.begin(), parts.end(), is_number);
  kept.assign(parts.begin(), prerelease);
  drop_zeros();
  kept.insert(kept.end(), prerelease, parts.end());
  drop_zeros();
  return kept;
}

/// Runs of digits and runs of letters are parts of their own: "pre1" is "pre", "1".
bool append_parts(std::string_view segment, std::vector<std::string>& parts) {
  if (segment.empty()) return false;
  for (size_t at = 0; at < segment.size(); ++at) {
    const char c = segment[at];
    if (!std::isalnum(static_cast<unsigned char>(c))) return false;
    const bool digit = std::isdigit(static_cast<unsigned char>(c));
    const bool continues = at > 0 && is_number(parts.back().substr(0, 1)) == digit;
    if (continues)
      parts.back() += c;
    else
      parts.emplace_back(1, c);
  }
  return true;
}

}  // namespace

std::optional<Version> Version::parse(std::string_view text) {
  text = trim(text);
  Version version;
  version.text_ = text;
  const size_t dash = std::min(text.find('-'), text.size());
  const std::string_view first = text.substr(0, std::min(text.find_first_of(".-"), text.size()));
  if (text.size() > longest_version || !is_number(first)) return std::nullopt;
  for (const std::string& segment : split(text.substr(0, dash), '.'))
    if (!append_parts(segment, version.parts_)) return std::nullopt;
  if (dash == text.size()) return version;
  if (text.size() == dash + 1) return std::nullopt;
  for (const std::string& segment : split(text.substr(dash + 1), '.'))
    if (segment.empty()) return std::nullopt;
  // Every dash reads as ".pre.", so that "1-a-" and "1--a" are versions too.
  for (const std::string& word : split(text.substr(dash + 1), '-')) {
    version.parts_.emplace_back("pre");
    for (const std::string& segment : split(word, '.'))
      if (!segment.empty() && !append_parts(segment, version.parts_)) return std::nullopt;
  }
  return version;
}

bool Version::is_prerelease() const {
  return std::any_of(parts_.begin(), parts_.end(), [](const std::string& part) { return !is_number(part); });
}

int Version::compare(const Version& other) const {
  const std::vector<std::string> here = canonical(parts_), there = canonical(other.parts_);
  for (size_t i = 0; i < std::max(here.size(), there.size()); ++i) {
    const std::string mine = i < here.size() ? here[i] : "0";
    const std::string theirs = i < there.size() ? there[i] : "0";
    if (is_number(mine) != is_number(theirs)) return is_number(mine) ? 1 : -1;
    const int order = is_number(mine) ? compare_numbers(mine, theirs) : mine.compare(theirs);
    if (order != 0) return order < 0 ? -1 : 1;
  }
  return 0;
}

Version Version::release() const {
  Version release;
  for (const std::string& part : parts_) {
    if (!is_number(part)) break;
    release.parts_.push_back(part);
  }
  release.text_ = join(release.parts_, ".");
  return release;
}

Version Version::bump() const {
  Version next = release();
  if (next.parts_.size() > 1) next.parts_.pop_back();
  std::string& last = next.parts_.back();
  size_t at = last.size();
  while (at > 0 && last[at - 1] == '9') last[--at] = '0';
  if (at > 0)
    ++last[at - 1];
  else
    last.insert(0, "1");
  next.text_ = join(next.parts_, ".");
  return next;
}

std::optional<VersionConstraint> VersionConstraint::parse(std::string_view text) {
  VersionConstraint constraint;
  constraint.text_ = trim(text);
  if (constraint.text_.empty()) return constraint;
  for (const std::string& clause : split(constraint.text_, ',')) {
    const std::string_view whole = trim(clause);
    const size_t digits = whole.find_first_not_of("=!<>~");
    if (digits == std::string_view::npos) return std::nullopt;
    const std::string op(digits == 0 ? "=" : whole.substr(0, digits));
    static const std::vector<std::string> known = {"=", "!=", ">", "<", ">=", "<=", "~>"};
    const auto version = Version::parse(whole.substr(digits));
    if (!version || std::find(known.begin(), known.end(), op) == known.end()) return std::nullopt;
    constraint.clauses_.push_back({op, *version});
  }
  return constraint;
}

bool VersionConstraint::allows(const Version& version) const {
  const auto names_prerelease = [](const Clause& clause) { return clause.version.is_prerelease(); };
  if (version.is_prerelease() && std::none_of(clauses_.begin(), clauses_.end(), names_prerelease))
    return false;
  return std::all_of(clauses_.begin(), clauses_.end(), [&](const Clause& clause) {
    const int order = version.compare(clause.version);
    if (clause.op == "=") return order == 0;
    if (clause.op == "!=") return order != 0;
    if (clause.op == ">") return order > 0;
    if (clause.op == "<") return order < 0;
    if (clause.op == ">=") return order >= 0;
    if (clause.op == "<=") return order <= 0;
    return order >= 0 && version.release().compare(clause.version.bump()) < 0;
  });
}

}  // namespace envtool
