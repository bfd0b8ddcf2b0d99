#include "base/value.h"

#include <doctest/doctest.h>

using namespace envtool;

TEST_CASE("a map keeps its order and each key once") {
  Value value;

  value.set("b", 1).set("a", "x").set("b", 2);

  CHECK(to_json(value) == R"({"b":2,"a":"x"})");
  CHECK(value["b"].as_integer() == 2);
  CHECK(value["c"].is_null());
  CHECK_FALSE(value.has("c"));
  value.erase("b");
  CHECK(value == Value::map({{"a", "x"}}));
}

TEST_CASE("asking a value for another kind gives the fallback") {
  const Value text("x"), number(3);

  CHECK(text.as_integer(7) == 7);
  CHECK(text["key"].is_null());
  CHECK(text.items().empty());
  CHECK(number.as_text().empty());
  CHECK(number.as_real() == 3.0);
  CHECK(text.as_texts() == std::vector<std::string>{"x"});
  CHECK(Value(Value::List{"a", 1, "b"}).as_texts() == std::vector<std::string>{"a", "b"});
}

TEST_CASE("JSON comes back as it was written") {
  const char* texts[] = {"null",
                         "true",
                         "-5",
                         "1.5",
                         R"("a\"b\\\n\u0001é")",
                         "[]",
                         "{}",
                         R"([1,[2,{"a":null}]])",
                         "9223372036854775807",
                         "-9223372036854775808"};
  for (const char* text : texts) {
    CAPTURE(text);
    CHECK(to_json(parse_json(text, "test")) == text);
  }
}

TEST_CASE("JSON that is none names its source") {
  for (const char* text : {"", "{", "[1,]", "{\"a\":1}x", "nul", "'a'", "{\"a\" 1}", "\xff"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH_AS(parse_json(text, "file 'x'"), doctest::Contains("file 'x': not valid JSON"), Error);
  }
}

TEST_CASE("JSON nested without end is refused, not followed") {
  CHECK_THROWS_AS(parse_json(std::string(1'000'000, '['), "x"), Error);
  CHECK_NOTHROW(parse_json(std::string(100, '[') + std::string(100, ']'), "x"));
}

TEST_CASE("text that is not UTF-8 is replaced in JSON") {
  CHECK(to_json(Value("a\xff")) == "\"a\xef\xbf\xbd\"");
}

TEST_CASE("a number too large for an integer stays a number") {
  CHECK(parse_json("18446744073709551615", "x").is_real());
}

TEST_CASE("where a value was written is no part of what it is") {
  Value here("x");
  here.position.line = 4;

  CHECK(here == Value("x"));
}
