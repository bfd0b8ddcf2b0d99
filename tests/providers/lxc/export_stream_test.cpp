#include "providers/lxc/parts/export_stream.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

TEST_CASE("a frame's header says its size") {
  const FrameHeader header{0x01020304};

  const auto parsed = FrameHeader::parse(header.bytes());

  REQUIRE(parsed);
  CHECK(parsed->size == 0x01020304);
}

TEST_CASE("what is no header, or promises too much, is refused") {
  using namespace std::string_view_literals;
  CHECK_FALSE(FrameHeader::parse("x\0\0\0\0"sv));
  CHECK_FALSE(FrameHeader::parse("d\0\0\0"sv));
  CHECK_FALSE(FrameHeader::parse("d\xff\xff\xff\xff"sv));
}

TEST_CASE("data is taken out of frames however they are cut, and what follows is the answer") {
  const std::string stream =
      FrameHeader{5}.bytes() + "hello" + FrameHeader{6}.bytes() + " world{\"ok\":\"d\"}";

  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    FrameReader reader;
    std::string data;
    for (std::size_t place = 0; place < stream.size(); place += piece)
      reader.add(std::string_view(stream).substr(place, piece),
                 [&](std::string_view bytes) { data += bytes; });

    CHECK(data == "hello world");
    CHECK(reader.answer() == "{\"ok\":\"d\"}");
  }
}

TEST_CASE("an answer without frames is one all the same") {
  FrameReader reader;
  reader.add("{\"error\"", [](std::string_view) { FAIL("data"); });
  reader.add(":1}", [](std::string_view) { FAIL("data"); });

  CHECK(reader.answer() == "{\"error\":1}");
}
