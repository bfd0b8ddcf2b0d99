#include "providers/libvirt/uri.h"

#include <doctest/doctest.h>

using namespace envtool::libvirt;

TEST_CASE("a URI of this host names a driver and what it is for") {
  const Uri uri = parse_uri("qemu:///session?socket=/run/socket");

  CHECK(uri.driver == "qemu");
  CHECK(uri.path == "/session");
  CHECK(uri.is_session());
  CHECK_FALSE(uri.is_remote());
  CHECK_FALSE(parse_uri("qemu:///system").is_session());
}

TEST_CASE("a URI of another host says how it is reached") {
  const Uri uri = parse_uri("qemu+ssh://me@there.example:2222/system?keyfile=/k");

  CHECK(uri.driver == "qemu");
  CHECK(uri.transport == "ssh");
  CHECK(uri.user == "me");
  CHECK(uri.host == "there.example");
  CHECK(uri.port == 2222);
  CHECK(uri.path == "/system");
  CHECK(parse_uri("qemu+tls://[fd00::1]:16514/system").host == "fd00::1");
  CHECK(parse_uri("qemu+tls://[fd00::1]:16514/system").port == 16514);
}

TEST_CASE("odd texts are URIs of nothing") {
  for (const char* text : {"", ":", "qemu", "://", "qemu://", "qemu://[", "+", "qemu+ssh://@:/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_uri(text).is_session());
  }
}
