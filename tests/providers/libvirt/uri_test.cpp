#include "providers/libvirt/uri.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
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
  const Uri uri = parse_uri("qemu+ssh://me@there.example:2222/system?keyfile=/a%20key&x");

  CHECK(uri.driver == "qemu");
  CHECK(uri.transport == "ssh");
  CHECK(uri.user == "me");
  CHECK(uri.host == "there.example");
  CHECK(uri.port == 2222);
  CHECK(uri.path == "/system");
  CHECK(uri.parameters.at("keyfile") == "/a key");
  CHECK(parse_uri("qemu+tls://[fd00::1]:16514/system").host == "fd00::1");
  CHECK(parse_uri("qemu+tls://[fd00::1]:16514/system").port == 16514);
}

TEST_CASE("odd texts are URIs of nothing") {
  for (const char* text : {"", ":", "qemu", "://", "qemu://", "qemu://[", "+", "qemu+ssh://@:/"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_uri(text).is_session());
  }
}

TEST_CASE("only QEMU's libvirt can have machines, and who else lacks what") {
  for (const char* text : {"qemu:///system", "qemu:///session", "qemu+ssh://root@host/system",
                           "qemu+tls://host/system", "qemu+unix:///session?socket=/s"}) {
    CAPTURE(text);
    CHECK_NOTHROW(check_uri(text, false));
  }
  for (const char* text :
       {"test:///default", "xen:///system", "lxc:///", "esx://host", "", "qemu+ssh://h/session"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(check_uri(text, false), doctest::Contains("is not supported"), Error);
  }
  CHECK_THROWS_WITH_AS(check_uri("qemu:///session", true), doctest::Contains("root has no session"), Error);
}

TEST_CASE("guests of another host are reached through it, as libvirt is") {
  const auto way = [](const char* text) { return way_to_guests(parse_uri(text)); };

  CHECK(way("qemu:///system").empty());
  CHECK(way("qemu+ssh://host/system") == "ssh -o BatchMode=yes host -W %h:%p");
  CHECK(way("qemu+ssh://me@host:2222/system?keyfile=/a%20k&no_verify=1") ==
        "ssh -o BatchMode=yes -p 2222 -i '/a k' -o StrictHostKeyChecking=no -l me host -W %h:%p");
  CHECK(knock_at_host(parse_uri("qemu+ssh://me@100%host/system")) ==
        "ssh -o BatchMode=yes -l me 100%host -n -o ConnectTimeout=10 true");
  CHECK(way("qemu+tls://host:16514/system") == "ssh -o BatchMode=yes host -W %h:%p");
}

TEST_CASE("what mends a connection depends on how it is made and what broke it") {
  const auto says = [](const char* uri, const char* why, const char* hint) {
    CAPTURE(uri);
    CAPTURE(why);
    CHECK(connection_hint(uri, why).find(hint) != std::string::npos);
  };

  says("qemu:///system", "Failed to connect socket: Permission denied", "usermod");
  says("qemu:///system", "Failed to connect socket: No such file or directory", "apt-get install");
  says("qemu:///system", "strange", "virsh --connect qemu:///system list");
  says("qemu+ssh://there/system?no_verify=1", "Cannot recv data",
       "'qemu+ssh://there/system?no_verify=1' list");
  says("qemu+tls://there/system", "Cannot read CA certificate '/x/cacert.pem': No such file",
       "~/.pki/libvirt");
  says("qemu+tls://there/system", "Our own certificate x failed validation against y", "~/.pki/libvirt");
  says("qemu://there/system", "Failed to verify peer's certificate", "must name 'there'");
  says("qemu+tls://there/system", "Unable to read TLS confirmation", "clientcert.pem");
  says("qemu+tls://there/system", "Connection refused", "libvirtd-tls.socket");
  says("qemu+tls://there/system", "strange", "virsh --connect qemu+tls://there/system list");
  says("qemu+tcp://there/system", "Connection refused", "virsh");
}
