#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace envtool {

/// A version in RubyGems' order: numbers compare as numbers, a part with letters is a pre-release and comes
/// before the release, trailing zeros do not count ("1.0" equals "1.0.0").
/// Source: RubyGems' documentation of Gem::Version.
class Version {
 public:
  static std::optional<Version> parse(std::string_view text);
  const std::string& text() const { return text_; }
  bool is_prerelease() const;
  /// Negative, zero or positive.
  int compare(const Version& other) const;
  /// Without what makes it a pre-release: "1.2.b3" gives "1.2".
  Version release() const;
  /// What `~>` allows up to, exclusive: the last release part dropped, the one before it raised.
  Version bump() const;

 private:
  std::string text_;
  std::vector<std::string> parts_;
};

/// A comma-separated list of `= != > < >= <= ~>` and versions; an empty text allows every version.
/// A pre-release is allowed only when the constraint itself names one.
class VersionConstraint {
 public:
  static std::optional<VersionConstraint> parse(std::string_view text);
  bool allows(const Version& version) const;
  const std::string& text() const { return text_; }

 private:
  struct Clause {
    std::string op;
    Version version;
  };
  std::string text_;
  std::vector<Clause> clauses_;
};

}  // namespace envtool
