#include "boxes/simplestreams.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "boxes/document.h"

namespace envtool {

namespace {

/// Kinds of files that make a box, the better one first.
constexpr std::pair<std::string_view, std::string_view> usable_kinds[] = {
    {"root.tar.xz", "lxc"}, {"squashfs", "lxc"}, {"disk-kvm.img", "libvirt"}, {"disk1.img", "libvirt"}};

/// A path below the server, as the document must have it.
const std::string& path_of(const Element& element) {
  const std::string& path = element.needed_text();
  const auto parts = split(path, '/');
  if (path.starts_with('/') || path.find("://") != std::string::npos ||
      std::find(parts.begin(), parts.end(), "..") != parts.end() ||
      std::any_of(path.begin(), path.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; }))
    element.fail(fmt::format("'{}' is no path below the server", path));
  return path;
}

std::optional<Digest> digest_of(const Element& element) {
  if (element.text().empty()) return std::nullopt;
  auto digest = Digest::parse("sha256", element.text());
  if (!digest) element.fail(fmt::format("'{}' is no sha256", element.text()));
  return digest;
}

/// The files of one version of a product that make boxes, by preference.
void add_offers(const Element& version, const BoxOffer& common, const std::string& server,
                std::vector<BoxOffer>& offers) {
  const auto items = version["items"].members();
  for (const auto& [kind, format] : usable_kinds) {
    for (const auto& [name, item] : items) {
      if (item["ftype"].text() != kind) continue;
      BoxOffer offer = common;
      offer.format = format;
      offer.url = fmt::format("{}/{}", server, path_of(item["path"]));
      offer.digest = digest_of(item["sha256"]);
      offer.size = item["size"].size();
      offers.push_back(std::move(offer));
    }
  }
}

std::vector<std::string> aliases_of(const Element& product) {
  std::vector<std::string> aliases;
  for (const std::string& alias : split(product["aliases"].text(), ','))
    if (const auto name = trim(alias); !name.empty()) aliases.emplace_back(name);
  return aliases;
}

}  // namespace

std::vector<std::string> parse_streams_index(std::string_view text, const std::string& what) {
  const Value document = parse_json(text, what);
  const Element root(document, what);
  if (!root["index"].is_there()) root["index"].fail("is missing");
  std::vector<std::string> paths;
  for (const auto& [name, entry] : root["index"].members())
    if (entry["datatype"].text() == "image-downloads") paths.push_back(path_of(entry["path"]));
  return paths;
}

ImageOffers parse_image_products(std::string_view text, const std::string& server, const std::string& alias) {
  const std::string what = fmt::format("the images of '{}'", server);
  const Value document = parse_json(text, what);
  const Element root(document, what);
  if (!root["products"].is_there()) root["products"].fail("is missing");
  ImageOffers found;
  for (const auto& [name, product] : root["products"].members()) {
    const auto aliases = aliases_of(product);
    found.aliases.insert(found.aliases.end(), aliases.begin(), aliases.end());
    if (name != alias && std::find(aliases.begin(), aliases.end(), alias) == aliases.end()) continue;
    for (const auto& [serial, version] : product["versions"].members())
      add_offers(version, {.version = serial, .architecture = product["arch"].needed_text()}, server,
                 found.offers);
  }
  // Serials are dates, which sort as text.
  std::stable_sort(found.offers.begin(), found.offers.end(),
                   [](const BoxOffer& left, const BoxOffer& right) { return left.version > right.version; });
  return found;
}

}  // namespace envtool
