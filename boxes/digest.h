#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace envtool {

enum class DigestKind { md5, sha1, sha256, sha384, sha512 };

/// "sha256"...
std::string_view to_string(DigestKind kind);

/// What a file's bytes must hash to.
struct Digest {
  DigestKind kind = DigestKind::sha256;
  std::string digits;  ///< hexadecimal, in lower case, as many as the kind has

  /// Reads digits and a kind's name, both in any case and with blanks around them. Without a name the number
  /// of digits says the kind. Nothing for an unknown kind or digits that do not fit.
  static std::optional<Digest> parse(std::string_view kind, std::string_view digits);
  /// "sha256:0123..."
  std::string to_string() const;
  bool operator==(const Digest&) const = default;
};

}  // namespace envtool
