#include "boxes/byte_source.h"

#include <doctest/doctest.h>

using namespace envtool;

TEST_CASE("a server's file is the same when what it said of it is") {
  struct Case {
    WebStamp then, now;
    std::optional<bool> same;
  };
  const std::string monday = "Mon, 01 Jan 2024 00:00:00 GMT", tuesday = "Tue, 02 Jan 2024 00:00:00 GMT";
  const Case cases[] = {
      {{"\"a\"", monday, 5}, {"\"a\"", tuesday, 5}, true},
      {{"\"a\"", monday, 5}, {"\"b\"", monday, 5}, false},
      {{"\"a\"", "", 5}, {"\"a\"", "", 6}, false},
      {{"", monday, 5}, {"", monday, 5}, true},
      {{"", monday, 5}, {"", tuesday, 5}, false},
      {{"", monday, 0}, {"", monday, 5}, true},
      {{"\"a\"", "", 5}, {"", monday, 5}, std::nullopt},
      {{"", "", 5}, {"", "", 5}, std::nullopt},
      {{"", "", 5}, {"", "", 6}, false},
      {{}, {}, std::nullopt},
  };
  for (const Case& c : cases) {
    CAPTURE(c.then.etag + " " + c.then.modified + " / " + c.now.etag + " " + c.now.modified);
    CHECK(c.then.is_same(c.now) == c.same);
  }
}
