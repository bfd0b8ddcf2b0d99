#include "base/error.h"

#include <doctest/doctest.h>

using namespace envtool;

namespace {
SourcePosition position(std::string text, int line, int column) {
  return {std::make_shared<const SourceText>(SourceText{"Envfile", std::move(text)}), line, column};
}
}  // namespace

TEST_CASE("an error shows its place with a caret, and what to do next") {
  Error error(ErrorKind::failed, "cannot forward guest port 80");
  error.at(position("name: x\nports:\n  - {guest: 80, host: 8080}\n", 3, 23))
      .with_hint("choose another host port");

  CHECK(error.render() ==
        "error: cannot forward guest port 80\n"
        "  --> Envfile:3:23\n"
        "   |   - {guest: 80, host: 8080}\n"
        "   |                       ^\n"
        "  hint: choose another host port\n");
}

TEST_CASE("frames stand before the text, the outermost first") {
  Error error(ErrorKind::failed, "no such file 'x'");
  error.with_frame("provisioner 'setup'").with_frame("machine 'web'");

  CHECK(std::string(error.what()) == "machine 'web': provisioner 'setup': no such file 'x'");
  CHECK(error.render() == "error: machine 'web': provisioner 'setup': no such file 'x'\n");
}

TEST_CASE("all problems of a list are shown") {
  const Error error(ErrorKind::bad_envfile, {{"one", position("a\nb\n", 1, 1), ""}, {"two", {}, "try that"}});

  CHECK(error.render() ==
        "error: one\n  --> Envfile:1:1\n   | a\n   | ^\n"
        "error: two\n  hint: try that\n");
}

TEST_CASE("an empty list of problems is an error all the same") {
  const Error error(ErrorKind::failed, std::vector<Diagnostic>{});

  CHECK_FALSE(error.diagnostics().empty());
}

TEST_CASE("the caret stands under the character after tabs and wide text") {
  CHECK(render({"t", position("\tkey: 1", 1, 2), ""}) ==
        "error: t\n  --> Envfile:1:2\n   |  key: 1\n   |  ^\n");
  CHECK(render({"t", position("\xc3\xa9\xc3\xa9: x", 1, 7), ""}) ==
        "error: t\n  --> Envfile:1:7\n   | \xc3\xa9\xc3\xa9: x\n   |     ^\n");
}

TEST_CASE("of a line of a megabyte a window around the place is shown") {
  std::string text(1 << 20, 'a');
  text[500'000] = 'X';

  const std::string shown = render({"t", position(text, 1, 500'001), ""});

  CHECK(shown.size() < 400);
  const size_t line = shown.find("   | a"), caret = shown.find('^');
  REQUIRE(line != std::string::npos);
  const size_t x = shown.find('X');
  CHECK(x - line == caret - shown.rfind('\n', caret) - 1);
}

TEST_CASE("a window never cuts a character in two") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "\xe2\x82\xac";
  for (int column = 150'000; column < 150'003; ++column) {
    const std::string shown = render({"t", position(text, 1, column), ""});

    const size_t begin = shown.find("   | ") + 5;
    CHECK(static_cast<unsigned char>(shown[begin]) == 0xe2);
  }
}

TEST_CASE("a place past the end of its line or file is no trouble") {
  CHECK(render({"t", position("ab", 1, 900), ""}) == "error: t\n  --> Envfile:1:900\n   | ab\n   |   ^\n");
  CHECK(render({"t", position("ab", 7, 1), ""}) == "error: t\n  --> Envfile:7:1\n");
  CHECK(render({"t", position("a\r\nb\r\n", 2, 1), ""}) == "error: t\n  --> Envfile:2:1\n   | b\n   | ^\n");
}

TEST_CASE("control characters of a source line never reach the terminal") {
  const std::string shown = render({"t", position("a\x1b[31mb\x7f", 1, 1), ""});

  CHECK(shown.find('\x1b') == std::string::npos);
  CHECK(shown.find('\x7f') == std::string::npos);
}

TEST_CASE("an unknown place prints nothing of itself") {
  CHECK(SourcePosition{}.to_string().empty());
  CHECK(render({"text", {}, ""}, "warning") == "warning: text\n");
}
