#include "providers/lxc/parts/import_stream.h"

#include <doctest/doctest.h>

using namespace envtool::lxc;

TEST_CASE("a frame's header says its kind and size") {
  const FrameHeader header{FrameHeader::Kind::end, 0x01020304};

  const auto parsed = FrameHeader::parse(header.bytes());

  REQUIRE(parsed);
  CHECK(parsed->kind == FrameHeader::Kind::end);
  CHECK(parsed->size == 0x01020304);
}

TEST_CASE("what is no header, or promises too much, is refused") {
  using namespace std::string_view_literals;
  CHECK_FALSE(FrameHeader::parse("x\0\0\0\0"sv));
  CHECK_FALSE(FrameHeader::parse("d\0\0\0"sv));
  CHECK_FALSE(FrameHeader::parse("d\xff\xff\xff\xff"sv));
}

TEST_CASE("data is taken out of frames however they are cut, and what follows is the answer") {
  const std::string stream = FrameHeader{FrameHeader::Kind::data, 5}.bytes() + "hello" +
                             FrameHeader{FrameHeader::Kind::data, 6}.bytes() + " world{\"ok\":\"d\"}";

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

TEST_CASE("a known file's line is read back, blanks in its name and all") {
  const std::string digest(64, 'a');
  std::string line = known_file_line("a b/c ", {12, -5, digest});
  line.pop_back();

  const auto file = parse_known_file(line);

  REQUIRE(file);
  CHECK(file->first == "a b/c ");
  CHECK(file->second.size == 12);
  CHECK(file->second.modified == -5);
  CHECK(file->second.sha256 == digest);
  CHECK(known_file_line("a\nb", {1, 1, digest}) == "");
}

TEST_CASE("a line that is none is not a known file") {
  const std::string digest(64, 'a');
  const std::string lines[] = {
      "",        digest,           digest + " ", digest + " 1", digest + " 1 2", digest + " 1 2 ",
      "x 1 2 a", digest + " x 2 a"};
  for (const std::string& line : lines) {
    CAPTURE(line);
    CHECK_FALSE(parse_known_file(line));
  }
}
