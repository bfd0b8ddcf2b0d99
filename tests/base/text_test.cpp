#include "base/text.h"

#include <doctest/doctest.h>

#include "base/shell.h"
#include "base/suggest.h"

using namespace envtool;

TEST_CASE("split keeps empty parts and join puts them together again") {
  CHECK(split("", ',') == std::vector<std::string>{""});
  CHECK(split("a,,b,", ',') == std::vector<std::string>{"a", "", "b", ""});
  CHECK(join(split("a,,b,", ','), ",") == "a,,b,");
  CHECK(join({}, ", ").empty());
}

TEST_CASE("trim takes blanks off both ends") {
  CHECK(trim(" \t a b \r\n") == "a b");
  CHECK(trim(" \n").empty());
}

TEST_CASE("every occurrence is replaced, and what was put in is not looked at again") {
  CHECK(replace_all("a.b.c", ".", "..") == "a..b..c");
  CHECK(replace_all("aaa", "aa", "b") == "ba");
  CHECK(replace_all("abc", "", "x") == "abc");
}

TEST_CASE("last lines leave blank ones out") {
  CHECK(last_lines("a\n\nb\r\n \nc\n", 2) == "b\nc");
  CHECK(last_lines("", 3).empty());
  CHECK(last_lines("one", 3) == "one");
}

TEST_CASE("every line is indented, also when the first is empty") {
  CHECK(indent("a\nb", 2) == "  a\n  b");
  CHECK(indent("\nb", 0) == "\nb");
}

TEST_CASE("a count agrees with its noun") {
  CHECK(count_of(1, "machine") == "1 machine");
  CHECK(count_of(0, "machine") == "0 machines");
}

TEST_CASE("well-formed UTF-8 is told from what only looks like it") {
  struct Row {
    std::string text;
    bool good;
  };
  const Row rows[] = {{"", true},
                      {"plain", true},
                      {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", true},
                      {"\xef\xbf\xbf", true},
                      {"\xf4\x8f\xbf\xbf", true},
                      {std::string("\0", 1), true},
                      {"\x80", false},
                      {"\xc3", false},
                      {"\xc3(", false},
                      {"\xc0\x80", false},
                      {"\xe0\x80\x80", false},
                      {"\xed\xa0\x80", false},
                      {"\xf4\x90\x80\x80", false},
                      {"\xff", false},
                      {"\xe2\x82", false}};
  for (const Row& row : rows) {
    CAPTURE(row.text.size());
    CHECK(is_utf8(row.text) == row.good);
  }
}

TEST_CASE("a code point takes one column") {
  CHECK(display_width("h\xc3\xa9") == 2);
  CHECK(display_width("") == 0);
}

TEST_CASE("globs match whole names") {
  struct Row {
    const char* pattern;
    const char* name;
    bool matches;
  };
  const Row rows[] = {{"web-*", "web-1", true},
                      {"web-*", "a-web-1", false},
                      {"web", "web-1", false},
                      {"web-?", "web-1", true},
                      {"web-?", "web-10", false},
                      {"web-[12]", "web-2", true},
                      {"web-[!12]", "web-3", true},
                      {"*", "", true},
                      {"", "", true},
                      {"[", "[", true}};
  for (const Row& row : rows) {
    CAPTURE(row.pattern);
    CAPTURE(row.name);
    CHECK(glob_matches(row.pattern, row.name) == row.matches);
  }
}

TEST_CASE("chunks come out as lines wherever they were cut") {
  std::vector<std::string> lines;
  LineSplitter splitter([&](std::string_view line) { lines.emplace_back(line); });

  for (const char* chunk : {"on", "e\r", "\ntwo\n\nth", "ree"}) splitter.add(chunk);
  splitter.finish();
  splitter.finish();

  CHECK(lines == std::vector<std::string>{"one", "two", "", "three"});
}

TEST_CASE("shell words are quoted only when they need it") {
  CHECK(quote_shell("plain-1.2_x/@%+=:,") == "plain-1.2_x/@%+=:,");
  CHECK(quote_shell("") == "''");
  CHECK(quote_shell("a b") == "'a b'");
  CHECK(quote_shell("it's") == "'it'\\''s'");
  CHECK(quote_shell("~") == "'~'");
  CHECK(quote_command({"echo", "a b", "--x=y"}) == "echo 'a b' --x=y");
}

TEST_CASE("a program whose name looks like an assignment is still a program") {
  CHECK(quote_command({"A=b", "c"}) == "'A=b' c");
}

TEST_CASE("the nearest known word is suggested, and nothing when none is near") {
  const std::vector<std::string> known = {"memory", "machines", "ports", "box", "up"};

  CHECK(nearest("memroy", known) == "memory");
  CHECK(nearest("mem", known).empty());
  CHECK(nearest("port", known) == "ports");
  CHECK(nearest("xob", known).empty());
  CHECK(nearest("bx", known) == "box");
  CHECK(nearest("pu", known) == "up");
  CHECK(nearest("u", known).empty());
  CHECK(nearest("UP", known) == "up");
  CHECK(nearest("", known).empty());
  CHECK(nearest(std::string(5000, 'm'), known).empty());
  CHECK(did_you_mean("machnies", known) == "did you mean 'machines'?");
  CHECK(did_you_mean("zzzz", known).empty());
}
