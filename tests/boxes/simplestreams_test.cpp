#include "boxes/simplestreams.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;

namespace {

const std::string sha(64, 'a');

std::string item(const std::string& kind, const std::string& path) {
  return "\"" + path + R"(": {"ftype": ")" + kind + R"(", "path": "images/)" + path +
         R"(", "size": 12, "sha256": ")" + sha + "\"}";
}

std::string product(const std::string& aliases, const std::string& architecture,
                    const std::string& versions) {
  return R"({"aliases": ")" + aliases + R"(", "arch": ")" + architecture + R"(", "versions": {)" + versions +
         "}}";
}

std::string version(const std::string& serial, const std::string& items) {
  return "\"" + serial + R"(": {"items": {)" + items + "}}";
}

/// Two architectures of Debian 12, the newest serial of amd64 without a squashfs.
std::string debian() {
  const std::string old = item("squashfs", "1.squashfs") + "," + item("root.tar.xz", "1.tar.xz") + "," +
                          item("lxd.tar.xz", "1.lxd") + "," + item("disk-kvm.img", "1.qcow2");
  const std::string recent = item("root.tar.xz", "2.tar.xz") + "," + item("disk1.img", "2.img");
  return R"({"products": {"debian:bookworm:amd64:default": )" +
         product("debian/bookworm, debian/12,debian/12/default", "amd64",
                 version("20261101_05:24", old) + "," + version("20261120_05:24", recent)) +
         R"(, "debian:bookworm:arm64:default": )" +
         product("debian/12", "arm64", version("20261119_05:24", item("squashfs", "3.squashfs"))) + "}}";
}

std::string complaint(const std::string& text, const std::string& alias = "debian/12") {
  try {
    parse_image_products(text, "https://i.test", alias);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string chosen(const std::string& alias, std::vector<std::string> formats,
                   const std::string& named = "") {
  const ImageOffers images = parse_image_products(debian(), "https://i.test", alias);
  const BoxWish wish{.allows = [](const std::string&) { return true; },
                     .formats = std::move(formats),
                     .architecture = named,
                     .host_architecture = "amd64"};
  const BoxOffer* offer = choose_offer(images.offers, wish);
  return offer ? offer->version + " " + offer->url : why_no_offer(images.offers, wish, "");
}

}  // namespace

TEST_CASE("the index names the files that list images") {
  CHECK(parse_streams_index(R"({"format": "index:1.0", "index": {
           "images": {"datatype": "image-downloads", "path": "streams/v1/images.json", "products": ["a"]},
           "other": {"datatype": "image-ids", "path": "streams/v1/ids.json"}}})",
                            "x") == std::vector<std::string>{"streams/v1/images.json"});
}

TEST_CASE("what is wrong in an index is named by its place") {
  const auto complaint_of = [](const char* text) -> std::string {
    try {
      parse_streams_index(text, "'https://i.test'");
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  };

  CHECK(complaint_of("x") == "'https://i.test': not valid JSON at byte 1");
  CHECK(complaint_of("[]") == "'https://i.test': expected a map, found a list");
  CHECK(complaint_of("{}") == "'https://i.test': index: is missing");
  CHECK(complaint_of(R"({"index": {"a": {"datatype": "image-downloads"}}})") ==
        "'https://i.test': index.a.path: is missing");
  for (const char* path : {"/etc/x", "a/../b", "http://other.test/x", "a b"}) {
    CAPTURE(path);
    const std::string text =
        std::string(R"({"index": {"a": {"datatype": "image-downloads", "path": ")") + path + "\"}}}";
    CHECK(complaint_of(text.c_str()).find("index.a.path: '") != std::string::npos);
  }
}

TEST_CASE(
    "the newest image of an alias is chosen, for a container its root file system, for a machine its disk") {
  CHECK(chosen("debian/12", {"lxc"}) == "20261120_05:24 https://i.test/images/2.tar.xz");
  CHECK(chosen("debian/bookworm", {"libvirt"}) == "20261120_05:24 https://i.test/images/2.img");
  CHECK(chosen("debian:bookworm:arm64:default", {"lxc"}, "arm64") ==
        "20261119_05:24 https://i.test/images/3.squashfs");
  CHECK(chosen("debian/12", {"lxc"}, "arm64") == "20261119_05:24 https://i.test/images/3.squashfs");
  CHECK(chosen("debian/12", {"virtualbox"}) ==
        "has boxes for provider 'lxc', 'libvirt', none for 'virtualbox'");
  CHECK(chosen("debian/12", {"lxc"}, "riscv64") == "is for architecture 'amd64', 'arm64', not for 'riscv64'");
}

TEST_CASE("a tar archive is preferred to a squashfs, and carries size and checksum") {
  const ImageOffers images = parse_image_products(debian(), "https://i.test", "debian/bookworm");

  REQUIRE(images.offers.size() == 5);
  CHECK(images.offers[2] == BoxOffer{.version = "20261101_05:24",
                                     .format = "lxc",
                                     .architecture = "amd64",
                                     .default_architecture = std::nullopt,
                                     .url = "https://i.test/images/1.tar.xz",
                                     .digest = Digest{DigestKind::sha256, sha},
                                     .size = 12});
  CHECK(images.offers[3].url == "https://i.test/images/1.squashfs");
}

TEST_CASE("an alias that is not there leaves those that are for a guess") {
  const ImageOffers images = parse_image_products(debian(), "https://i.test", "debian/21");

  CHECK(images.offers.empty());
  CHECK(images.aliases ==
        std::vector<std::string>{"debian/bookworm", "debian/12", "debian/12/default", "debian/12"});
}

TEST_CASE("what is wrong in a product file is named by its place") {
  const auto with = [](const std::string& items) {
    return R"({"products": {"p": )" + product("debian/12", "amd64", version("1", items)) + "}}";
  };
  const std::string start = "the images of 'https://i.test': ";

  CHECK(complaint("{}") == start + "products: is missing");
  CHECK(complaint(R"({"products": []})") == start + "products: expected a map, found a list");
  CHECK(complaint(R"({"products": {"p": 1}})") == start + "products.p: expected a map, found a number");
  CHECK(complaint(R"({"products": {"p": {"aliases": ["debian/12"]}}})") ==
        start + "products.p.aliases: expected text, found a list");
  CHECK(complaint(R"({"products": {"p": {"aliases": "debian/12", "versions": {"1": {}}}}})") ==
        start + "products.p.arch: is missing");
  CHECK(complaint(with(R"("r": {"ftype": "root.tar.xz"})")) ==
        start + "products.p.versions.1.items.r.path: is missing");
  CHECK(complaint(with(R"("r": {"ftype": "root.tar.xz", "path": "../x"})")) ==
        start + "products.p.versions.1.items.r.path: '../x' is no path below the server");
  CHECK(complaint(with(R"("r": {"ftype": "root.tar.xz", "path": "x", "sha256": "12"})")) ==
        start + "products.p.versions.1.items.r.sha256: '12' is no sha256");
  CHECK(complaint(with(R"("r": {"ftype": "root.tar.xz", "path": "x", "size": -1})")) ==
        start + "products.p.versions.1.items.r.size: expected a number of bytes");
}
