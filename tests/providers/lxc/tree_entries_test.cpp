#include "providers/lxc/parts/tree_entries.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace envtool;
using namespace envtool::lxc;

namespace {

/// An entry with that much content behind it.
std::string with_content(const TreeEntry& entry, std::size_t size) {
  std::string bytes = entry_bytes(entry);
  return bytes.replace(bytes.size() - content_size_length, content_size_length,
                       number_bytes(size, content_size_length));
}

bool is_refused(const TreeEntry& entry) {
  const std::string bytes = entry_bytes(entry);
  try {
    EntryReader(bytes, {}).next();
    return false;
  } catch (const Error& error) {
    return error.kind() == ErrorKind::usage;
  }
}

}  // namespace

TEST_CASE("an entry is read as it was written") {
  const TreeEntry entry{.kind = TreeEntry::Kind::device,
                        .path = "dev/null",
                        .mode = 04755,
                        .uid = 1000,
                        .gid = 4'000'000'000,
                        .modified = -5,
                        .nanoseconds = 999'999'999,
                        .major = 1,
                        .minor = 3,
                        .attributes = {{"user.note", std::string("a\0b", 3)}, {"user.empty", ""}}};
  const std::string bytes = entry_bytes(entry);
  EntryReader reader(bytes, {});

  const auto item = reader.next();

  REQUIRE(item);
  CHECK(item->entry.kind == entry.kind);
  CHECK(item->entry.path == entry.path);
  CHECK(item->entry.mode == entry.mode);
  CHECK(item->entry.uid == entry.uid);
  CHECK(item->entry.gid == entry.gid);
  CHECK(item->entry.modified == entry.modified);
  CHECK(item->entry.nanoseconds == entry.nanoseconds);
  CHECK(item->entry.major == entry.major);
  CHECK(item->entry.minor == entry.minor);
  CHECK(item->entry.attributes == entry.attributes);
  CHECK_FALSE(reader.next());
}

TEST_CASE("contents lie one behind the other") {
  const std::string bytes = with_content({.path = "a"}, 2) + with_content({.path = "b"}, 0) +
                            entry_bytes({.kind = TreeEntry::Kind::symlink, .path = "l", .target = "/b"}) +
                            with_content({.path = "c"}, 3);
  EntryReader reader(bytes, "hithere");

  CHECK(reader.next()->content == "hi");
  CHECK(reader.next()->content == "");
  CHECK(reader.next()->entry.target == "/b");
  CHECK(reader.next()->content == "the");
  CHECK_FALSE(reader.next());
}

TEST_CASE("what leads outside, or is nothing, is refused") {
  using namespace std::string_literals;
  using Kind = TreeEntry::Kind;
  for (const std::string& path :
       {""s, "/"s, "/etc"s, "."s, ".."s, "../x"s, "a/../b"s, "a/.."s, "a//b"s, "a/"s, "a/."s, "a\0b"s}) {
    CAPTURE(path);
    CHECK(is_refused({.path = path}));
    CHECK(is_refused({.kind = Kind::hard_link, .path = "x", .target = path}));
  }
  CHECK(is_refused({.kind = static_cast<Kind>('b'), .path = "x"}));
  CHECK(is_refused({.kind = Kind::symlink, .path = "x"}));
  CHECK(is_refused({.kind = Kind::symlink, .path = "x", .target = "a\0"s}));
  CHECK(is_refused({.path = "x", .target = "y"}));
  CHECK(is_refused({.path = "x", .mode = 010000}));
  CHECK(is_refused({.path = "x", .nanoseconds = 1'000'000'000}));
  CHECK(is_refused({.path = "x", .attributes = {{"", "value"}}}));
  CHECK_FALSE(is_refused({.path = "..a/b..", .mode = 07777}));
  CHECK_FALSE(is_refused({.kind = Kind::symlink, .path = "x", .target = "../../.."}));
}

TEST_CASE("bytes that end too early, or promise content that is not there, are refused") {
  const std::string bytes = with_content({.path = "some/file", .attributes = {{"user.note", "a"}}}, 4);

  for (std::size_t size = 1; size < bytes.size(); ++size)
    CHECK_THROWS_AS(EntryReader(std::string_view(bytes).substr(0, size), "1234").next(), Error);
  CHECK_THROWS_AS(EntryReader(bytes, "123").next(), Error);
  CHECK(EntryReader(bytes, "12345").next()->content == "1234");
  const std::string of_directory = with_content({.kind = TreeEntry::Kind::directory, .path = "d"}, 1);
  CHECK_THROWS_AS(EntryReader(of_directory, "1").next(), Error);
}
