#include "ssh/keys.h"

#include <doctest/doctest.h>

#include "base/text.h"

using namespace envtool;

namespace {

constexpr const char* github_blob = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

}  // namespace

TEST_CASE("two keys differ and carry their comment") {
  const KeyPair one = make_ed25519_key("envtool web");
  const KeyPair other = make_ed25519_key("envtool web");

  CHECK(one.public_key.starts_with("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"));
  CHECK(one.public_key.ends_with(" envtool web"));
  CHECK(one.private_key.starts_with("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA"));
  CHECK(one.private_key.ends_with("\n-----END OPENSSH PRIVATE KEY-----\n"));
  CHECK(one.public_key != other.public_key);
}

TEST_CASE("a fingerprint is the one that OpenSSH shows") {
  const std::string fingerprint = key_fingerprint(github_blob);

  CHECK(fingerprint == "SHA256:+DiY3wvvV6TuJJhbpZisF/zLDA0zPMSvHdkr4UvCOqU");
}

TEST_CASE("the known_hosts line leaves the comment out and can be read back") {
  const std::string line = known_hosts_line("envtool-web", "ssh-ed25519 AAAA a comment");

  CHECK(line == "envtool-web ssh-ed25519 AAAA\n");
  CHECK(pinned_keys(line, "envtool-web") == std::vector<PinnedKey>{{"ssh-ed25519", "AAAA"}});
}

TEST_CASE("only lines that name the host exactly pin its key") {
  const std::string text =
      "# web ssh-ed25519 COMMENT\n"
      "@revoked web ssh-ed25519 REVOKED\n"
      "web2 ssh-ed25519 OTHER\n"
      "10.0.0.1,web\tssh-ed25519  MINE comment\n"
      "torn";

  const std::vector<PinnedKey> keys = pinned_keys(text, "web");

  CHECK(keys == std::vector<PinnedKey>{{"ssh-ed25519", "MINE"}});
}
