#include "boxes/recipes/apt_sources.h"

#include <doctest/doctest.h>

#include "base/files.h"

using namespace envtool;

namespace {

DebianMirrors from_list(const std::string& text) { return debian_mirrors(parse_apt_list(text)); }

}  // namespace

TEST_CASE("the one-line style gives archive, updates and security") {
  const DebianMirrors mirrors = from_list(
      "# comment\n"
      "deb-src http://src.example/debian bookworm main\n"
      "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://a.example/debian "
      "bookworm main "
      "contrib # why\n"
      "deb http://a.example/debian bookworm-updates main\n"
      "deb\thttp://s.example/debian-security  bookworm-security main\n");

  CHECK(mirrors.archive == "http://a.example/debian");
  CHECK(mirrors.updates == "http://a.example/debian");
  CHECK(mirrors.security == "http://s.example/debian-security");
}

TEST_CASE("the deb822 style gives the same, continued lines, disabled stanzas and field case considered") {
  const auto sources = parse_apt_deb822(
      "# a comment\n"
      "Types: deb deb-src\n"
      "uris: http://a.example/debian\n"
      "Suites: bookworm\n"
      " bookworm-updates\n"
      "# in between\n"
      "Components: main non-free-firmware\n"
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n"
      "\n"
      "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: bookworm\nComponents: main\n"
      "\n"
      "Types: deb-src\nURIs: http://src.example/debian\nSuites: bookworm\nComponents: main\n"
      "\n"
      "Types: deb\nURIs: http://s.example/debian-security\nSuites: bookworm-security\nComponents: main");
  const DebianMirrors mirrors = debian_mirrors(sources);

  CHECK(sources.size() == 2);
  CHECK(mirrors.archive == "http://a.example/debian");
  CHECK(mirrors.updates == "http://a.example/debian");
  CHECK(mirrors.security == "http://s.example/debian-security");
}

TEST_CASE("an archive that is not Debian's does not count") {
  CHECK(from_list("deb https://vendor.example/apt bookworm stable\n").archive.empty());
  CHECK(from_list("deb https://vendor.example/apt product-bookworm main\n").archive.empty());
  CHECK(from_list("deb http://ubuntu.example/ubuntu jammy main\n").archive.empty());
  CHECK(
      from_list("deb [signed-by=/etc/apt/keyrings/vendor.gpg] https://vendor.example/debian bookworm main\n")
          .archive.empty());
  CHECK(from_list("deb cdrom:[Debian]/ bookworm main\n").archive.empty());
  CHECK(from_list("deb http://a.example/debian ./\n").archive.empty());
  CHECK(from_list("deb http://s.example/debian-security bookworm-security main\n").security.empty());
}

TEST_CASE("a source that looks like Debian's archive is preferred to an earlier one that does not") {
  const DebianMirrors mirrors = from_list(
      "deb https://vendor.example/apt stable main\n"
      "deb http://a.example/debian/ bookworm main\n"
      "deb http://b.example/debian bookworm main\n");

  CHECK(mirrors.archive == "http://a.example/debian/");
}

TEST_CASE("a host's sources are read from its list, its parts and its mirror lists") {
  const TemporaryDirectory apt;
  const auto mirror_list = apt.path() / "mirrors" / "debian.list";
  write_file(mirror_list, "# servers\nhttps://m.example/debian\nhttps://other.example/debian\n");
  write_file(apt.path() / "sources.list", "# moved\n");
  write_file(
      apt.path() / "sources.list.d" / "debian.sources",
      "Types: deb\nURIs: mirror+file://" + mirror_list.string() + "\nSuites: bookworm\nComponents: main\n");
  write_file(apt.path() / "sources.list.d" / "old.list.save",
             "deb http://saved.example/debian bookworm main\n");

  CHECK(debian_mirrors(read_apt_sources(apt.path())).archive == "https://m.example/debian");
}

TEST_CASE("a host without sources has no mirror") {
  const TemporaryDirectory apt;

  CHECK(debian_mirrors(read_apt_sources(apt.path())).archive.empty());
}

TEST_CASE("loopback, files and credentials are private to a host") {
  for (const char* uri :
       {"http://localhost/debian", "http://LOCALHOST:3142/debian", "http://127.0.0.1:9999/debian",
        "http://127.8.0.1/debian", "http://[::1]:80/debian", "http://apt.localhost/debian",
        "http://user:secret@a.example/debian", "file:/srv/debian", "copy:/srv/debian",
        "mirror+file:/etc/apt/mirrors/debian.list", "http:///debian"}) {
    CAPTURE(uri);
    CHECK(is_private_to_host(uri));
  }
  for (const char* uri : {"http://a.example/debian", "https://10.0.0.5:8080/debian",
                          "http://a.example/pool@2/debian", "http://[2001:db8::1]/debian"}) {
    CAPTURE(uri);
    CHECK_FALSE(is_private_to_host(uri));
  }
}
