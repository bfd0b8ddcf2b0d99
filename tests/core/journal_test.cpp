#include "core/journal.h"

#include <doctest/doctest.h>

#include "base/files.h"
#include "tests/support/scripted_host.h"

using namespace envtool;

namespace {

struct Book {
  TemporaryDirectory directory;
  ManualClock clock;
  std::filesystem::path path = directory.path() / "journal";
  Journal journal{path, clock};
};

}  // namespace

TEST_CASE("a step begun and not done is unfinished") {
  Book book;

  book.journal.begin("create");
  book.journal.done("create");
  book.journal.begin("provision:set up");

  CHECK(book.journal.unfinished() == std::vector<std::string>{"provision:set up"});
}

TEST_CASE("a journal that is not there has nothing unfinished") {
  CHECK(Book().journal.unfinished().empty());
}

TEST_CASE("a torn last journal line is ignored") {
  Book book;
  book.journal.begin("create");
  const std::string whole = read_file(book.path);
  book.journal.done("create");
  const std::string more = read_file(book.path);

  for (size_t size = whole.size(); size < more.size() - 1; ++size) {
    write_file(book.path, more.substr(0, size));

    CHECK(book.journal.unfinished() == std::vector<std::string>{"create"});
  }
}

TEST_CASE("a damaged journal line ends the reading") {
  Book book;
  book.journal.begin("create");
  std::string text = read_file(book.path);
  text[20] ^= 1;
  write_file(book.path, text);
  book.journal.begin("start");

  CHECK(book.journal.unfinished().empty());
}

TEST_CASE("a cleared journal starts anew") {
  Book book;
  book.journal.begin("create");

  book.journal.clear();

  CHECK(book.journal.unfinished().empty());
}
