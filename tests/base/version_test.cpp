#include "base/version.h"

#include <doctest/doctest.h>

#include <string>

using namespace envtool;

namespace {
int order(const char* a, const char* b) {
  return Version::parse(a).value().compare(Version::parse(b).value());
}
bool allows(const char* constraint, const char* version) {
  return VersionConstraint::parse(constraint).value().allows(Version::parse(version).value());
}
}  // namespace

TEST_CASE("versions are ordered as RubyGems orders them") {
  const char* ascending[] = {"0.9",     "1.0.a", "1.0.a1", "1.0.a2", "1.0.b", "1.0-rc1",  "1.0",
                             "1.0.1.b", "1.0.1", "1.2",    "1.10",   "2",     "20230101", "20230101.1"};
  for (size_t i = 0; i + 1 < std::size(ascending); ++i) {
    CAPTURE(ascending[i]);
    CAPTURE(ascending[i + 1]);
    CHECK(order(ascending[i], ascending[i + 1]) == -1);
    CHECK(order(ascending[i + 1], ascending[i]) == 1);
  }
}

TEST_CASE("the versions that Vagrant's boxes have are ordered as Vagrant orders them") {
  const char* ascending[] = {"0",     "1.0",   "1.1.0",  "1.1.5", "1.2.0-beta", "1.2.0.pre1",
                             "1.2.0", "1.9.0", "1.10.0", "2.0",   "10.0.1",     "20230712.0.0"};
  for (size_t i = 0; i < std::size(ascending); ++i)
    for (size_t j = 0; j < std::size(ascending); ++j) {
      CAPTURE(ascending[i]);
      CAPTURE(ascending[j]);
      CHECK(order(ascending[i], ascending[j]) == (i < j ? -1 : i > j ? 1 : 0));
    }
}

TEST_CASE("every dash begins a pre-release") {
  CHECK(order("1.0-rc", "1.0.pre.rc") == 0);
  CHECK(order("1.0-rc-1", "1.0.pre.rc.pre.1") == 0);
  CHECK(order("1-a-", "1.pre.a.pre") == 0);
  CHECK(order("1--a", "1.pre.pre.a") == 0);
}

TEST_CASE("trailing and leading zeros do not count") {
  CHECK(order("1", "1.0.0") == 0);
  CHECK(order("1.02", "1.2") == 0);
  CHECK(order("1.0.0.a", "1.a") == 0);
}

TEST_CASE("numbers of any length compare as numbers") {
  CHECK(order("99999999999999999999999998", "99999999999999999999999999") == -1);
}

TEST_CASE("what is no version gives nothing") {
  for (const char* text : {"", " ", ".", "a", "1.", ".1", "1..2", "1.0-", "v1", "1 2", "1_0", "-1", "1a",
                           "1a.0", "1-.a", "1-a.", "1.-a", "1.\xc3\xa9"}) {
    CAPTURE(text);
    CHECK_FALSE(Version::parse(text).has_value());
  }
  CHECK_FALSE(Version::parse(std::string(300, '1')).has_value());
}

TEST_CASE("constraints allow what they say") {
  CHECK(allows("", "1.0"));
  CHECK(allows("1.x", "1.x"));
  CHECK(allows("~>2", "2.9"));
  CHECK_FALSE(allows(">=1.0,<2", "2"));
  CHECK(allows("1.2", "1.2.0"));
  CHECK_FALSE(allows("1.2", "1.2.1"));
  CHECK(allows("~> 4.3", "4.9.9"));
  CHECK_FALSE(allows("~> 4.3", "5.0"));
  CHECK(allows("~> 4.3.1", "4.3.9"));
  CHECK_FALSE(allows("~> 4.3.1", "4.4"));
  CHECK(allows("~> 4", "4.9"));
  CHECK_FALSE(allows("~> 4", "5"));
  CHECK(allows(">= 1, < 2", "1.5"));
  CHECK_FALSE(allows(">= 1, < 2", "2.0.0"));
  CHECK(allows("!= 1.5", "1.4"));
  CHECK_FALSE(allows("!=1.5", "1.5"));
  CHECK(allows("<= 2", "2"));
  CHECK(allows("> 1.9", "1.10"));
}

TEST_CASE("a pre-release is allowed only where the constraint names one") {
  CHECK_FALSE(allows(">= 1.0", "2.0.beta"));
  CHECK_FALSE(allows("", "2.0.beta"));
  CHECK(allows(">= 1.0.a", "2.0.beta"));
  CHECK(allows("~> 1.0.a", "1.0.0-rc1"));
  CHECK_FALSE(allows("~> 1.0.a", "2.0.beta"));
}

TEST_CASE("what is no constraint gives nothing") {
  for (const char* text : {"nope", "v1.0", ">> 1", ">", "=> 1", "~> ", "1,,2", ">= x", "~ 1", "<> 1"}) {
    CAPTURE(text);
    CHECK_FALSE(VersionConstraint::parse(text).has_value());
  }
}

TEST_CASE("the upper end of a pessimistic constraint carries over nines") {
  CHECK(Version::parse("1.9.3").value().bump().text() == "1.10");
  CHECK(Version::parse("99").value().bump().text() == "100");
  CHECK(Version::parse("1.2.b3").value().bump().text() == "2");
}
