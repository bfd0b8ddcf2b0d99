#include "boxes/catalog.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/version.h"

using namespace envtool;

namespace {

constexpr const char* base = "https://boxes.test/api/v2/vagrant/owner/box";

/// One version with those providers.
std::string one_version(const std::string& providers) {
  return R"({"name": "owner/box", "versions": [{"version": "1.0", "providers": [)" + providers + "]}]}";
}

std::string provider(const std::string& more) {
  return R"({"name": "lxc", "url": "https://f.test/b")" + more + "}";
}

/// What a catalog is said to have wrong; empty when nothing.
std::string complaint(const std::string& text) {
  try {
    parse_catalog(text, base);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string in_catalog(const std::string& rest) { return std::string("catalog '") + base + "': " + rest; }

BoxWish wish(const std::string& constraint, std::vector<std::string> formats, const std::string& named = "") {
  const auto allowed = VersionConstraint::parse(constraint).value();
  return {
      .allows =
          [allowed](const std::string& version) { return allowed.allows(Version::parse(version).value()); },
      .formats = std::move(formats),
      .architecture = named,
      .host_architecture = "amd64"};
}

/// "version format architecture" of what is chosen, or why nothing is.
std::string chosen(const std::string& text, const std::string& constraint, std::vector<std::string> formats,
                   const std::string& named = "") {
  const Catalog catalog = parse_catalog(text, base);
  const BoxWish wanted = wish(constraint, std::move(formats), named);
  const BoxOffer* offer = choose_offer(catalog.offers, wanted);
  if (!offer) return why_no_offer(catalog.offers, wanted, constraint);
  return offer->version + " " + offer->format + " " + offer->architecture;
}

/// Versions in no order; the newest is a pre-release, and the newest but one lacks lxc.
constexpr const char* many = R"({"name": "owner/box", "versions": [
  {"version": "1.9.0", "providers": [{"name": "lxc", "url": "https://f.test/1.9"}]},
  {"version": "1.10.0", "providers": [{"name": "lxc", "url": "https://f.test/1.10"},
                                      {"name": "libvirt", "url": "https://f.test/1.10v"}]},
  {"version": "2.0", "providers": [{"name": "libvirt", "url": "https://f.test/2"}]},
  {"version": "2.1.beta", "providers": [{"name": "lxc", "url": "https://f.test/2.1"}]}]})";

}  // namespace

TEST_CASE("a catalog says of each file what it is, where it is and what it hashes to") {
  const Catalog catalog = parse_catalog(
      one_version(
          provider(R"(, "checksum_type": "SHA1", "checksum": " DA39A3EE5E6B4B0D3255BFEF95601890AFD80709 ",
                              "architecture": "amd64", "default_architecture": true, "status": {"any": [1]})")),
      base);

  CHECK(catalog.name == "owner/box");
  REQUIRE(catalog.offers.size() == 1);
  CHECK(catalog.offers[0] ==
        BoxOffer{.version = "1.0",
                 .format = "lxc",
                 .architecture = "amd64",
                 .default_architecture = true,
                 .url = "https://f.test/b",
                 .digest = Digest{DigestKind::sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"}});
}

TEST_CASE("every kind of checksum is read, and a missing kind is told from the length") {
  for (const auto& [kind, digits] :
       {std::pair("md5", 32), {"sha1", 40}, {"sha256", 64}, {"sha384", 96}, {"sha512", 128}}) {
    CAPTURE(kind);
    const std::string hex(static_cast<std::size_t>(digits), 'a');
    for (const std::string& type : {std::string(), R"(, "checksum_type": ")" + std::string(kind) + "\""}) {
      const auto offers =
          parse_catalog(one_version(provider(type + R"(, "checksum": ")" + hex + "\"")), base).offers;
      CHECK(offers.at(0).digest.value().to_string() == std::string(kind) + ":" + hex);
    }
  }
}

TEST_CASE("an empty checksum is none") {
  for (const char* none : {"", R"(, "checksum": "")", R"(, "checksum": null, "checksum_type": "sha256")"})
    CHECK_FALSE(parse_catalog(one_version(provider(none)), base).offers.at(0).digest.has_value());
}

TEST_CASE("what is wrong in a catalog is named by its place") {
  CHECK(complaint("{") == in_catalog("not valid JSON at byte 2"));
  CHECK(complaint("[]") == in_catalog("expected a map, found a list"));
  CHECK(complaint("{}") == in_catalog("versions: is missing"));
  CHECK(complaint(R"({"versions": {}})") == in_catalog("versions: expected a list, found a map"));
  CHECK(complaint(R"({"versions": [3]})") == in_catalog("versions[0]: expected a map, found a number"));
  CHECK(complaint(R"({"versions": [{}]})") == in_catalog("versions[0].version: is missing"));
  CHECK(complaint(R"({"versions": [{"version": "v1"}]})") ==
        in_catalog("versions[0].version: 'v1' is no version"));
  CHECK(complaint(R"({"versions": [{"version": 1}]})") ==
        in_catalog("versions[0].version: expected text, found a number"));
  CHECK(complaint(one_version("{}")) == in_catalog("versions[0].providers[0].name: is missing"));
  CHECK(complaint(one_version(R"({"name": "lxc"})")) ==
        in_catalog("versions[0].providers[0].url: is missing"));
  CHECK(complaint(one_version(provider(R"(, "default_architecture": "yes")"))) ==
        in_catalog("versions[0].providers[0].default_architecture: expected true or false"));
  CHECK(complaint(one_version(provider(R"(, "checksum": "abc", "checksum_type": "sha256")"))) ==
        in_catalog(
            "versions[0].providers[0].checksum: 'abc' is no checksum of kind 'sha256'; known are md5, sha1, "
            "sha256, sha384, sha512"));
  CHECK(complaint(one_version(provider(R"(, "checksum": "abc")"))) ==
        in_catalog("versions[0].providers[0].checksum: 'abc' is no checksum of a known kind"));
}

TEST_CASE("addresses in a catalog are relative to it") {
  const auto url = [](const std::string& written, const std::string& where) {
    const std::string text = one_version(R"({"name": "lxc", "url": ")" + written + "\"}");
    return parse_catalog(text, where).offers.at(0).url;
  };

  CHECK(url("b.box", "https://h.test/x/y.json?v=1/2") == "https://h.test/x/b.box");
  CHECK(url("b.box", "https://h.test") == "https://h.test/b.box");
  CHECK(url("/b.box", "https://h.test/x/y.json") == "https://h.test/b.box");
  CHECK(url("b.box", "/srv/boxes/y.json") == "file:///srv/boxes/b.box");
  CHECK(url("../b.box", "/srv/boxes/y.json") == "file:///srv/b.box");
  CHECK(url("file:///b.box", "/srv/boxes/y.json") == "file:///b.box");
}

TEST_CASE("a server's catalog leads to servers only") {
  const auto refused = [](const std::string& url) {
    return complaint(one_version(R"({"name": "lxc", "url": ")" + url + "\"}")).find("providers[0].url: ") !=
           std::string::npos;
  };

  for (const char* url : {"file:///etc/passwd", "ftp://h.test/b", "//h.test/b", "https://",
                          "https://u:p@h.test/b", "https://h.test/a b", "a\\nb"}) {
    CAPTURE(url);
    CHECK(refused(url));
  }
}

TEST_CASE("the newest version that is allowed and has the provider is chosen") {
  CHECK(chosen(many, "", {"lxc"}) == "1.10.0 lxc ");
  CHECK(chosen(many, "", {"lxc", "libvirt"}) == "2.0 libvirt ");
  CHECK(chosen(many, "~> 1.9.0", {"lxc"}) == "1.9.0 lxc ");
  CHECK(chosen(many, "< 2", {"libvirt", "lxc"}) == "1.10.0 libvirt ");
  CHECK(chosen(many, "< 2", {}) == "1.10.0 lxc ");
  CHECK(chosen(many, ">= 2.1.a", {"lxc"}) == "2.1.beta lxc ");
}

TEST_CASE("where nothing fits the reason says what there is") {
  CHECK(chosen(many, "~> 7", {"lxc"}) ==
        "has no version '~> 7'; it has '2.1.beta', '2.0', '1.10.0', '1.9.0'");
  CHECK(chosen(many, "2.0", {"lxc"}) == "has boxes for provider 'libvirt', none for 'lxc'");
  CHECK(chosen(R"({"versions": []})", "", {"lxc"}) == "has no file that envtool can use");
  CHECK(chosen(R"({"versions": [{"version": "1.a", "providers": [{"name": "lxc", "url": "b"}]}]})", "",
               {"lxc"}) == "has only pre-releases: '1.a'");
  const std::string arm = one_version(provider(R"(, "architecture": "arm64", "default_architecture": true)"));
  CHECK(chosen(arm, "", {"lxc"}) == "is for architecture 'arm64', not for 'amd64'");
}

TEST_CASE("architectures are chosen as Vagrant 2.4 chooses") {
  const std::string both =
      one_version(provider(R"(, "architecture": "arm64", "default_architecture": true)") + "," +
                  provider(R"(, "architecture": "amd64", "default_architecture": false)"));
  const std::string unknown =
      one_version(provider(R"(, "architecture": "unknown", "default_architecture": true)"));
  const std::string not_default =
      one_version(provider(R"(, "architecture": "unknown", "default_architecture": false)"));
  const std::string old = one_version(provider(""));
  const std::string two_old = one_version(provider("") + "," + provider(""));

  CHECK(chosen(both, "", {"lxc"}) == "1.0 lxc amd64");
  CHECK(chosen(both, "", {"lxc"}, "arm64") == "1.0 lxc arm64");
  CHECK(chosen(both, "", {"lxc"}, "i386") == "is for architecture 'arm64', 'amd64', not for 'i386'");
  CHECK(chosen(unknown, "", {"lxc"}) == "1.0 lxc unknown");
  CHECK(chosen(unknown, "", {"lxc"}, "amd64") == "is for architecture 'unknown', not for 'amd64'");
  CHECK(chosen(not_default, "", {"lxc"}) == "is for architecture 'unknown', not for 'amd64'");
  CHECK(chosen(old, "", {"lxc"}) == "1.0 lxc ");
  CHECK(chosen(old, "", {"lxc"}, "amd64") == "does not say that it is for architecture 'amd64'");
  CHECK(chosen(two_old, "", {"lxc"}) == "does not say that it is for architecture 'amd64'");
}

TEST_CASE("a lock file keeps the newest of each provider and architecture") {
  const Catalog catalog = parse_catalog(
      R"({"versions": [{"version": "1", "providers": [
            {"name": "lxc", "url": "https://f.test/1", "architecture": "riscv64"}]},
          {"version": "2", "providers": [
            {"name": "virtualbox", "url": "https://f.test/2vb", "architecture": "amd64"},
            {"name": "lxc", "url": "https://f.test/2b", "architecture": "arm64"},
            {"name": "lxc", "url": "https://f.test/2a", "architecture": "amd64"},
            {"name": "libvirt", "url": "https://f.test/2v", "architecture": "amd64"}]}]})",
      base);

  std::string kept;
  for (const BoxOffer& offer : offers_to_keep(catalog.offers, wish("", {"lxc", "libvirt"})))
    kept += offer.url.substr(15) + " ";

  CHECK(kept == "2a 2b 1 2v ");
}
