#include "boxes/address.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;

namespace {

BoxConfig box_of(const std::string& name) {
  BoxConfig box;
  box.name = name;
  box.base_directory = "/project";
  box.position = {std::make_shared<SourceText>(SourceText{"Envfile", "box: " + name + "\n"}), 1, 6};
  return box;
}

BoxAddress address_of(const std::string& name) { return box_address(box_of(name), "/home/ada"); }

/// The error for that box; fails the test when there is none.
Error refusal(const BoxConfig& box) {
  try {
    box_address(box, "/home/ada");
  } catch (const Error& error) {
    return error;
  }
  FAIL("accepted: " << box.name);
  return Error(ErrorKind::failed, "");
}

}  // namespace

TEST_CASE("a path is relative to the file that names it, to the home, or absolute") {
  const std::pair<std::string, std::string> cases[] = {{"./a.box", "/project/a.box"},
                                                       {"boxes/a.box", "/project/boxes/a.box"},
                                                       {"../a.box", "/a.box"},
                                                       {"/srv/a.box", "/srv/a.box"},
                                                       {"./odd-name", "/project/odd-name"},
                                                       {"~/a.box", "/home/ada/a.box"},
                                                       {"file:///srv/x", "/srv/x"},
                                                       {"a.qcow2", "/project/a.qcow2"},
                                                       {"b/a.tar.xz", "/project/b/a.tar.xz"}};
  for (const auto& [name, path] : cases) {
    CAPTURE(name);
    CHECK(std::get<LocalBoxAddress>(address_of(name)).path == path);
  }
}

TEST_CASE("a box file of a server is meant by its address, or by a name with one") {
  CHECK(std::get<WebAddress>(address_of("https://example.com/a.box")).url == "https://example.com/a.box");

  BoxConfig named = box_of("acme/base");
  named.url = "http://example.com/a.box";
  CHECK(std::get<WebAddress>(box_address(named, "/home/ada")).url == "http://example.com/a.box");

  named.url = "ftp://example.com/a.box";
  CHECK(std::string(refusal(named).what()) ==
        "box 'acme/base': expected 'url' as an http or https address, beside a 'name' that is none");
}

TEST_CASE("an address never shows or sends a password of its own") {
  const Error error = refusal(box_of("https://ada:secret@example.com/a.box"));

  CHECK(std::string(error.what()).find("secret") == std::string::npos);
  CHECK(error.hint().find(".netrc") != std::string::npos);
  CHECK(std::get<WebAddress>(address_of("https://example.com/a@b.box")).url == "https://example.com/a@b.box");
}

TEST_CASE("an address without a host, or with a blank, is none") {
  CHECK(refusal(box_of("http:///a.box")).kind() == ErrorKind::bad_envfile);
  CHECK(refusal(box_of("http://example.com/a b.box")).kind() == ErrorKind::bad_envfile);
}

TEST_CASE("a recipe is known by name") {
  CHECK(std::get<RecipeAddress>(address_of("build:debian/bookworm")).recipe == "debian/bookworm");

  const Error error = refusal(box_of("build:debian/bookwurm"));
  CHECK(error.kind() == ErrorKind::bad_envfile);
  CHECK(std::string(error.what()) == "box 'build:debian/bookwurm': there is no recipe 'debian/bookwurm'");
  CHECK(error.hint() == "did you mean 'debian/bookworm'?");
}

TEST_CASE("a name is a catalog's, an image server's or the store's own, with a version behind it or apart") {
  using Kind = NamedAddress::Kind;
  struct Case {
    std::string written;
    Kind kind;
    std::string name, version;
  };
  const Case cases[] = {
      {"generic/debian12", Kind::catalog, "generic/debian12", ""},
      {"generic/debian12@~> 4.3", Kind::catalog, "generic/debian12", "~> 4.3"},
      {"images:debian/12", Kind::image, "images:debian/12", ""},
      {"images:debian/12/cloud@20261120_05:24", Kind::image, "images:debian/12/cloud", "20261120_05:24"},
      {"mine", Kind::own, "mine", ""},
      {"https://f.test/a.json", Kind::document, "https://f.test/a.json", ""},
      {"./a.json", Kind::document, "file:///project/a.json", ""}};
  for (const Case& expected : cases) {
    CAPTURE(expected.written);
    const auto address = std::get<NamedAddress>(address_of(expected.written));
    CHECK(address.kind == expected.kind);
    CHECK(address.name == expected.name);
    CHECK(address.version == expected.version);
  }

  BoxConfig apart = box_of("generic/debian12");
  apart.version = ">= 4, < 5";
  CHECK(std::get<NamedAddress>(box_address(apart, "/home/ada")).version == ">= 4, < 5");
  apart.name += "@4";
  CHECK(std::string(refusal(apart).what()) == "box 'generic/debian12@4': the version is named twice");
  for (const char* name :
       {"a/b/c", "a/", "..", "a/../b", "images:", "images:a//b", "a b", "owner/na me", "@1"}) {
    CAPTURE(name);
    CHECK(refusal(box_of(name)).kind() == ErrorKind::bad_envfile);
  }
}

TEST_CASE("an address that means nothing is a problem of the Envfile") {
  CHECK(refusal(box_of("")).kind() == ErrorKind::bad_envfile);
  CHECK(refusal(box_of("floppy:a")).kind() == ErrorKind::bad_envfile);
  CHECK(refusal(box_of("file://relative.box")).kind() == ErrorKind::bad_envfile);
}

TEST_CASE("a key that does not go with the address is refused, not ignored") {
  BoxConfig local = box_of("./a.box");
  local.version = "1.0";
  CHECK(std::string(refusal(local).what()) == "box './a.box': 'version' does not go with a local file");

  BoxConfig recipe = box_of("build:debian/bookworm");
  recipe.checksum = "sha256:0";
  CHECK(std::string(refusal(recipe).what()) ==
        "box 'build:debian/bookworm': 'checksum' does not go with a recipe");
}
