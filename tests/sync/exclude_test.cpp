#include "sync/exclude.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {

bool excludes(const std::string& pattern, const std::string& path, bool is_directory = false) {
  return ExcludePatterns({pattern}).contain(path, is_directory);
}

}  // namespace

TEST_CASE("a name is excluded wherever it is, with a slash behind it only as a directory") {
  CHECK(excludes("cache", "cache"));
  CHECK(excludes("cache", "a/b/cache"));
  CHECK_FALSE(excludes("cache", "a/cache2"));
  CHECK(excludes("cache/", "a/cache", true));
  CHECK_FALSE(excludes("cache/", "a/cache"));
}

TEST_CASE("a slash in front ties a pattern to the top, one in the middle to a whole tail of the path") {
  CHECK(excludes("/build", "build"));
  CHECK_FALSE(excludes("/build", "a/build"));
  CHECK(excludes("a/build", "x/a/build"));
  CHECK_FALSE(excludes("a/build", "xa/build"));
}

TEST_CASE("wildcards stop at slashes, but for two stars") {
  CHECK(excludes("*.o", "deep/down/x.o"));
  CHECK_FALSE(excludes("/*.o", "deep/x.o"));
  CHECK(excludes("/**.o", "deep/x.o"));
  CHECK(excludes("/a/**/z", "a/b/c/z"));
  CHECK(excludes("**/foo", "foo"));
  CHECK(excludes("x?z", "xyz"));
  CHECK_FALSE(excludes("/x?z", "x/z"));
  CHECK(excludes("/vendor/***", "vendor", true));
  CHECK(excludes("file[0-9]", "file7"));
  CHECK_FALSE(excludes("file[!0-9]", "file7"));
  CHECK(excludes("file[!0-9]", "filex"));
}

TEST_CASE("a backslash escapes a wildcard, and is itself where there is none") {
  CHECK(excludes("a\\*b*", "a*b1"));
  CHECK_FALSE(excludes("a\\*b*", "axb1"));
  CHECK(excludes("a\\b", "a\\b"));
  CHECK_FALSE(excludes("a[b", "a[b"));
}

TEST_CASE("the project's own .envtool is always excluded") {
  CHECK(ExcludePatterns({}).contain("sub/.envtool", true));
  CHECK_FALSE(ExcludePatterns({}).contain(".envtool", false));
}
