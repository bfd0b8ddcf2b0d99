#include "base/version.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/text.h"

namespace {

using envtool::Version;

void check_order(const Version& a, const Version& b, const Version& c) {
  if (a.compare(a) != 0 || a.compare(b) != -b.compare(a)) std::abort();
  if (a.compare(b) <= 0 && b.compare(c) <= 0 && a.compare(c) > 0) std::abort();
}

void check_one(const Version& version) {
  const auto again = Version::parse(version.text());
  if (!again || again->compare(version) != 0) std::abort();
  const Version release = version.release();
  if (release.is_prerelease() || release.compare(version) < 0) std::abort();
  if (version.is_prerelease() == (release.compare(version) == 0)) std::abort();
  if (version.bump().compare(version) <= 0) std::abort();
  for (const char* op : {"= ", "~>", ">=", "<="}) {
    const auto constraint = envtool::VersionConstraint::parse(op + version.text());
    if (!constraint || !constraint->allows(version)) std::abort();
  }
}

}  // namespace

/// Any lines as versions, which must be ordered, and as constraints, which must not contradict themselves.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace envtool;
  std::vector<Version> versions;
  const std::vector<std::string> lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  for (std::size_t i = 0; i < lines.size() && versions.size() < 8; ++i)
    if (const auto version = Version::parse(lines[i])) versions.push_back(*version);
  for (const Version& a : versions) {
    check_one(a);
    for (const Version& b : versions)
      for (const Version& c : versions) check_order(a, b, c);
  }
  for (std::size_t i = 0; i < lines.size() && i < 8; ++i) {
    const auto constraint = VersionConstraint::parse(lines[i]);
    if (!constraint) continue;
    for (const Version& version : versions)
      if (constraint->allows(version) != VersionConstraint::parse(constraint->text())->allows(version))
        std::abort();
  }
  return 0;
}
