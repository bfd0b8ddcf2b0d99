#include "cli/console.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>

#include "base/files.h"

using namespace envtool;

TEST_CASE("output that is lost is a failure") {
  const UniqueFd full(::open("/dev/full", O_WRONLY | O_CLOEXEC));
  SystemConsole console(full.get());
  CHECK(console.finish(0) == 0);

  console.write_output("text\n");

  CHECK(console.finish(0) == 1);
  CHECK(console.finish(3) == 3);
}

TEST_CASE("a reader that has seen enough is no failure") {
  int ends[2] = {};
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  const UniqueFd writer(ends[1]);
  ::close(ends[0]);
  const auto handler = ::signal(SIGPIPE, SIG_IGN);
  SystemConsole console(writer.get());

  console.write_output("text\n");

  ::signal(SIGPIPE, handler);
  CHECK(console.finish(0) == 0);
}
