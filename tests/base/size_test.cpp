#include "base/size.h"

#include <doctest/doctest.h>

using namespace envtool;

TEST_CASE("a number with a unit is a size in powers of 1024") {
  struct Row {
    const char* text;
    std::uint64_t bytes;
  };
  const Row rows[] = {{"0B", 0},
                      {"1B", 1},
                      {"1K", 1024},
                      {"1k", 1024},
                      {"1KB", 1024},
                      {"1KiB", 1024},
                      {"512M", 512ull << 20},
                      {"512mib", 512ull << 20},
                      {"2GiB", 2ull << 30},
                      {"1.5 GB", 3ull << 29},
                      {" 2G ", 2ull << 30},
                      {"0.5K", 512},
                      {"3T", 3ull << 40}};
  for (const Row& row : rows) {
    CAPTURE(row.text);

    const auto size = ByteSize::parse(row.text);

    REQUIRE(size.has_value());
    CHECK(size->bytes == row.bytes);
  }
}

TEST_CASE("what is no size gives nothing") {
  for (const char* text :
       {"",     " ",   "5",    "5.5",  "-1G",   "+1G",  "G",    "1X", "1GG",      "1GiBi", "1 G B",
        "1e3M", "inf", "infM", "nanM", "0x10M", "1,5G", "1BiB", "1 ", "9999999T", "1P",    "1Gб"}) {
    CAPTURE(text);
    CHECK_FALSE(ByteSize::parse(text).has_value());
  }
}

TEST_CASE("a size is written in the shortest exact form, else with one decimal") {
  struct Row {
    std::uint64_t bytes;
    const char* text;
  };
  const Row rows[] = {{0, "0B"},
                      {1023, "1023B"},
                      {1024, "1KiB"},
                      {1536, "1536B"},
                      {2ull << 30, "2GiB"},
                      {1536ull << 20, "1536MiB"},
                      {20ull << 30, "20GiB"},
                      {(5ull << 30) + 123, "5.0GiB"},
                      {1ull << 40, "1TiB"},
                      {2048ull << 40, "2048TiB"}};
  for (const Row& row : rows) CHECK(ByteSize{row.bytes}.to_string() == row.text);
}

TEST_CASE("an exact form reads back to the same size") {
  for (const std::uint64_t bytes : {0ull, 7ull, 1024ull, 1536ull, 1ull << 30, 1536ull << 20, 3ull << 40}) {
    CAPTURE(bytes);
    CHECK(ByteSize::parse(ByteSize{bytes}.to_string()) == ByteSize{bytes});
  }
}
