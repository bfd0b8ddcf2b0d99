#include "boxes/catalog.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/version.h"
#include "boxes/document.h"

namespace envtool {

namespace {

std::optional<Digest> digest_of(const Element& provider) {
  const Element digits = provider["checksum"], kind = provider["checksum_type"];
  if (digits.text().empty()) return std::nullopt;
  auto digest = Digest::parse(kind.text(), digits.text());
  if (!digest)
    digits.fail(
        kind.text().empty()
            ? fmt::format("'{}' is no checksum of a known kind", digits.text())
            : fmt::format("'{}' is no checksum of kind '{}'; known are md5, sha1, sha256, sha384, sha512",
                          digits.text(), kind.text()));
  return digest;
}

BoxOffer offer_of(const Element& provider, const std::string& version, const std::string& base) {
  const Element is_default = provider["default_architecture"];
  if (is_default.is_there() && !is_default.value().is_bool()) is_default.fail("expected true or false");
  BoxOffer offer{.version = version,
                 .format = provider["name"].needed_text(),
                 .architecture = provider["architecture"].text(),
                 .default_architecture = std::nullopt,
                 .url = resolve_url(base, provider["url"]),
                 .digest = digest_of(provider)};
  if (is_default.is_there()) offer.default_architecture = is_default.value().as_bool();
  return offer;
}

}  // namespace

Catalog parse_catalog(std::string_view text, const std::string& base) {
  const std::string what = fmt::format("catalog '{}'", base);
  const Value document = parse_json(text, what);
  const Element root(document, what);
  if (!document.is_map()) root.fail(fmt::format("expected a map, found {}", document.kind_name()));
  struct Release {
    Version version;
    std::vector<BoxOffer> offers;
  };
  std::vector<Release> releases;
  if (!root["versions"].is_there()) root["versions"].fail("is missing");
  for (const Element& entry : root["versions"].items()) {
    const std::string& name = entry["version"].needed_text();
    auto version = Version::parse(name);
    if (!version) entry["version"].fail(fmt::format("'{}' is no version", name));
    Release release{std::move(*version), {}};
    for (const Element& provider : entry["providers"].items())
      release.offers.push_back(offer_of(provider, name, base));
    releases.push_back(std::move(release));
  }
  std::stable_sort(releases.begin(), releases.end(), [](const Release& left, const Release& right) {
    return left.version.compare(right.version) > 0;
  });
  Catalog catalog{.name = root["name"].text(), .offers = {}};
  for (Release& release : releases)
    std::move(release.offers.begin(), release.offers.end(), std::back_inserter(catalog.offers));
  return catalog;
}

}  // namespace envtool
