#include "boxes/digest.h"

#include <fmt/format.h>

#include "base/text.h"

namespace envtool {

namespace {

struct KindName {
  DigestKind kind;
  std::string_view name;
  std::size_t digits;
};

constexpr KindName kinds[] = {{DigestKind::md5, "md5", 32},
                              {DigestKind::sha1, "sha1", 40},
                              {DigestKind::sha256, "sha256", 64},
                              {DigestKind::sha384, "sha384", 96},
                              {DigestKind::sha512, "sha512", 128}};

std::string lower(std::string_view text) {
  std::string result(trim(text));
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return result;
}

}  // namespace

std::string_view to_string(DigestKind kind) {
  for (const KindName& known : kinds)
    if (known.kind == kind) return known.name;
  return {};
}

std::optional<Digest> Digest::parse(std::string_view kind, std::string_view digits) {
  const std::string name = lower(kind), text = lower(digits);
  if (text.find_first_not_of("0123456789abcdef") != std::string::npos) return std::nullopt;
  for (const KindName& known : kinds)
    if (text.size() == known.digits && (name.empty() || name == known.name)) return Digest{known.kind, text};
  return std::nullopt;
}

std::string Digest::to_string() const { return fmt::format("{}:{}", envtool::to_string(kind), digits); }

}  // namespace envtool
