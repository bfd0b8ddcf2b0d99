#include "base/hash.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/files.h"

using namespace envtool;

TEST_CASE("digests are those of the standard") {
  // FIPS 180-2, appendix B.
  CHECK(sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST_CASE("the quick hash is FNV-1a of 64 bits") {
  // The algorithm's own test vectors.
  CHECK(fnv1a("") == "cbf29ce484222325");
  CHECK(fnv1a("a") == "af63dc4c8601ec8c");
  CHECK(fnv1a("foobar") == "85944171f73967e8");
}

TEST_CASE("the checksum is Poly1305, of one stream after the other") {
  // Worked out from RFC 8439, section 2.5.1.
  Checksum checksum;
  checksum.add("Cryptographic Forum ");
  checksum.add("Research Group");
  CHECK(checksum.finish() == "b8dfae056a520929c2f8f75527877873");
  CHECK(checksum.finish() == "6f6c277320636865636b73756d732e2e");
  checksum.add(std::string_view("\0", 1));
  CHECK(checksum.finish() != "6f6c277320636865636b73756d732e2e");
}

TEST_CASE("a stream in parts has the digest of the whole") {
  Sha256 hash;
  hash.add("a");
  hash.add("");
  hash.add("bc");

  CHECK(hash.finish() == sha256("abc"));
}

TEST_CASE("one hash serves for one stream after the other") {
  Sha256 hash;
  hash.add("other");
  hash.finish();
  hash.add("abc");

  CHECK(hash.finish() == sha256("abc"));
  CHECK(hash.finish() == sha256(""));
}

TEST_CASE("a file has the digest of its content") {
  const TemporaryDirectory directory;
  const std::string content(3'000'000, 'x');
  write_file(directory.path() / "f", content);

  CHECK(sha256_of_file(directory.path() / "f") == sha256(content));
  CHECK_THROWS_AS(sha256_of_file(directory.path() / "none"), Error);
}

TEST_CASE("a copy has seen what came before, and goes on alone") {
  Sha256 hash;
  hash.add("a");
  Sha256 copy = hash.copy();
  hash.add("b");

  CHECK(copy.finish() == sha256("a"));
  CHECK(hash.finish() == sha256("ab"));
}

TEST_CASE("random text is as long as asked and never the same") {
  CHECK(random_hex(8).size() == 16);
  CHECK(random_hex(8) != random_hex(8));
}
