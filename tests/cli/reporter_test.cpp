#include <doctest/doctest.h>

#include <thread>

#include "base/text.h"
#include "cli/reporter_json.h"
#include "cli/reporter_terminal.h"
#include "support/fake_clock.h"
#include "support/fake_console.h"

using namespace envtool;
using namespace std::chrono_literals;

namespace {

/// What a machine goes through, as the engine tells it.
void tell_a_story(Reporter& reporter) {
  reporter.step_started("web", "create");
  reporter.step_progress("web", {.done = 1 << 20, .total = 4 << 20, .unit = "B"});
  reporter.step_finished("web", "create", StepOutcome::done, 1200ms);
  reporter.output_line("web", "Setting up nginx\r");
  reporter.step_started("web", "provisioner setup");
  reporter.step_finished("web", "provisioner setup", StepOutcome::failed, 75s);
  Error error(ErrorKind::failed, "exited with status 1");
  error.with_frame("machine 'web'").with_hint("look at 'envtool logs web'");
  reporter.error("web", error);
  reporter.say("db", "is up (3.0 s)", Tone::success);
  reporter.say("", "this is a copy", Tone::warning);
  reporter.product("product\n");
  reporter.document(Value::map({{"a", 1}}));
}

/// The screen that a terminal shows after these bytes, as far as the reporter uses it.
std::vector<std::string> screen_after(const std::string& bytes) {
  std::vector<std::string> rows(1);
  size_t row = 0;
  std::string line;
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (bytes[at] == '\n') {
      rows[row] = line.empty() ? rows[row] : line;
      line.clear();
      if (++row == rows.size()) rows.emplace_back();
    } else if (bytes[at] == '\r') {
      line.clear();
    } else if (bytes[at] == '\x1b') {
      const size_t end = bytes.find_first_of("ABCDEFGHJKm", at);
      const int number = std::atoi(bytes.substr(at + 2, end - at - 2).c_str());
      if (bytes[end] == 'A') {
        REQUIRE(static_cast<int>(row) >= number);
        row -= static_cast<size_t>(number);
      } else if (bytes[end] == 'J') {
        rows.resize(row + 1);
        rows[row].clear();
      } else if (bytes[end] == 'K') {
        rows[row] = line;
        if (line.empty()) rows[row].clear();
      }
      at = end;
    } else {
      line += bytes[at];
    }
  }
  while (!rows.empty() && rows.back().empty()) rows.pop_back();
  return rows;
}

struct TerminalWorld {
  FakeConsole console;
  FakeClock clock;
  ReporterOptions options{};
  std::unique_ptr<TerminalReporter> reporter;

  explicit TerminalWorld(ReporterOptions given = {}) : options(given) {
    reporter =
        std::make_unique<TerminalReporter>(console, clock, options, TerminalReporter::Ticking::by_hand);
  }
  std::vector<std::string> screen() const { return screen_after(console.errors); }
};

}  // namespace

TEST_CASE("elsewhere than on a terminal every event is a line with its machine") {
  FakeConsole console;
  const FakeClock clock;
  PlainReporter reporter(console, clock, {});

  tell_a_story(reporter);

  CHECK(console.output == "product\n");
  CHECK(console.errors ==
        "web: create\n"
        "web:   Setting up nginx\n"
        "web: provisioner setup\n"
        "web: provisioner setup: failed after 1 min 15 s\n"
        "error: machine 'web': exited with status 1\n"
        "  hint: look at 'envtool logs web'\n"
        "db: is up (3.0 s)\n"
        "warning: this is a copy\n");
}

TEST_CASE("quiet leaves errors, warnings and the product") {
  FakeConsole console;
  const FakeClock clock;
  PlainReporter reporter(console, clock, {.detail = Detail::quiet});

  tell_a_story(reporter);

  CHECK(console.output == "product\n");
  CHECK(console.errors ==
        "error: machine 'web': exited with status 1\n"
        "  hint: look at 'envtool logs web'\n"
        "warning: this is a copy\n");
}

TEST_CASE("verbose also tells how long steps took") {
  FakeConsole console;
  const FakeClock clock;
  PlainReporter reporter(console, clock, {.detail = Detail::verbose});

  tell_a_story(reporter);

  CHECK(console.errors.find("web: create: done in 1.2 s\n") != std::string::npos);
}

TEST_CASE("timestamps stand before every line") {
  FakeConsole console;
  const FakeClock clock;
  PlainReporter reporter(console, clock, {.timestamps = true});

  reporter.say("web", "hello", Tone::plain);

  CHECK(console.errors == time_of_day(clock) + "web: hello\n");
  CHECK(time_of_day(clock).size() == 9);
}

TEST_CASE("a JSON event stream has one object a line and nothing else") {
  FakeConsole console;
  JsonReporter reporter(console, true);

  tell_a_story(reporter);

  CHECK(console.errors.empty());
  CHECK(console.output ==
        R"json({"event":"step","machine":"web","step":"create","state":"started"}
{"event":"progress","machine":"web","done":1048576,"total":4194304,"unit":"B"}
{"event":"step","machine":"web","step":"create","state":"done","seconds":1.2}
{"event":"output","machine":"web","line":"Setting up nginx\r"}
{"event":"step","machine":"web","step":"provisioner setup","state":"started"}
{"event":"step","machine":"web","step":"provisioner setup","state":"failed","seconds":75.0}
{"event":"error","machine":"web","kind":"failed","text":"machine 'web': exited with status 1","problems":[{"text":"exited with status 1","hint":"look at 'envtool logs web'"}]}
{"event":"message","machine":"db","text":"is up (3.0 s)","tone":"success"}
{"event":"message","text":"this is a copy","tone":"warning"}
{"a":1}
)json");
}

TEST_CASE("a JSON document stands alone on standard output") {
  FakeConsole console;
  JsonReporter reporter(console, false);

  tell_a_story(reporter);

  CHECK(console.output == "{\n  \"a\": 1\n}\n");
  CHECK(console.errors ==
        "error: machine 'web': exited with status 1\n"
        "  hint: look at 'envtool logs web'\n"
        "warning: this is a copy\n");
}

TEST_CASE("each machine at work has one live line, in the order in which they began") {
  TerminalWorld world;

  world.reporter->step_started("db", "create");
  world.reporter->step_started("web-1", "wait for db");
  world.clock.advance(2500ms);
  world.reporter->step_progress("db", {.done = 50, .total = 100});
  world.reporter->step_finished("web-1", "wait for db", StepOutcome::done, 1s);
  world.reporter->tick();

  CHECK(world.screen() == std::vector<std::string>{
                              "\\ db     create  ############------------  50%  2.5 s",
                              "* web-1  wait for db",
                          });
}

TEST_CASE("what is said scrolls away above the live lines") {
  TerminalWorld world;
  world.reporter->step_started("db", "create");

  world.reporter->output_line("db", "one");
  world.reporter->say("", "two", Tone::plain);
  world.reporter->step_finished("db", "create", StepOutcome::done, 1s);
  world.reporter->step_started("db", "start");

  CHECK(world.screen() == std::vector<std::string>{"db:   one", "two", "- db  start"});
}

TEST_CASE("a machine's live line leaves with its success, and all at the end") {
  TerminalWorld world;
  world.reporter->step_started("db", "create");
  world.reporter->step_started("web", "create");

  world.reporter->step_finished("db", "create", StepOutcome::done, 1s);
  world.reporter->say("db", "is up", Tone::success);
  CHECK(world.screen() == std::vector<std::string>{"db: is up", "- web  create"});

  world.reporter.reset();
  CHECK(world.screen() == std::vector<std::string>{"db: is up"});
}

TEST_CASE("live lines keep to the width and height of the terminal as it is now") {
  TerminalWorld world;
  world.console.terminal_size = {.columns = 30, .rows = 5};
  for (int i = 1; i <= 9; ++i)
    world.reporter->step_started("machine-" + std::to_string(i), "a step with quite a long title");

  const auto small = world.screen();
  world.console.terminal_size = {.columns = 20, .rows = 40};
  world.reporter->tick();
  const auto narrow = world.screen();

  REQUIRE(small.size() == 4);
  CHECK(small[3] == "  and 6 more");
  for (const std::string& line : small) CHECK(display_width(line) < 30);
  CHECK(narrow.size() == 9);
  for (const std::string& line : narrow) CHECK(display_width(line) < 20);
}

TEST_CASE("while another program has the terminal nothing is written, and later all of it") {
  TerminalWorld world;
  world.reporter->step_started("db", "create");

  world.reporter->pause();
  const std::string before = world.console.errors;
  CHECK(screen_after(before).empty());
  world.reporter->say("db", "meanwhile", Tone::plain);
  world.reporter->tick();
  CHECK(world.console.errors == before);

  world.reporter->resume();
  CHECK(world.screen() == std::vector<std::string>{"db: meanwhile", "\\ db  create"});
}

TEST_CASE("what the terminal echoes of Ctrl-C does not shift what follows") {
  TerminalWorld world;
  world.reporter->step_started("db", "create");
  world.console.errors += "^C";

  world.reporter->say("", "stopping", Tone::plain);

  CHECK(world.screen() == std::vector<std::string>{"stopping", "- db  create"});
}

TEST_CASE("a product on the same terminal meets no live line") {
  TerminalWorld world;
  world.reporter->step_started("db", "create");

  world.reporter->product("text\n");

  CHECK(world.console.output == "text\n");
  CHECK(world.console.errors.find("\r\x1b[1A\x1b[J") != std::string::npos);
}

TEST_CASE("many threads may report at once") {
  FakeConsole console;
  const FakeClock clock;
  {
    TerminalReporter reporter(console, clock, {});
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i)
      threads.emplace_back([&reporter, i] {
        const std::string name = "m" + std::to_string(i);
        for (int j = 0; j < 50; ++j) {
          reporter.step_started(name, "step");
          reporter.output_line(name, "line");
          reporter.step_finished(name, "step", StepOutcome::done, 1ms);
        }
      });
  }

  CHECK(screen_after(console.errors).size() == 400);
}

TEST_CASE("a guest's output moves no cursor") {
  CHECK(tame("a\x1b[2Jb\x07\tc", true) == "a[2Jb    c");
  CHECK(tame("\x1b[31mred\x1b[0m", true) == "\x1b[31mred\x1b[0m\x1b[0m");
  CHECK(tame("\x1b[31mred\x1b[0m", false) == "red");
  CHECK(tame("10%\r50%\r100%", false) == "100%");
  CHECK(tame("line\r", false) == "line");
  CHECK(tame("caf\xc3\xa9", false) == "caf\xc3\xa9");
}

TEST_CASE("elapsed time is as short as is of use") {
  CHECK(show_elapsed(40ms) == "0.0 s");
  CHECK(show_elapsed(1234ms) == "1.2 s");
  CHECK(show_elapsed(9949ms) == "9.9 s");
  CHECK(show_elapsed(9960ms) == "10 s");
  CHECK(show_elapsed(65s) == "1 min 05 s");
  CHECK(show_elapsed(3700s) == "1 h 01 min");
}

TEST_CASE("a cut text ends in an ellipsis and keeps its characters whole") {
  CHECK(fit("hello", 5, {}) == "hello");
  CHECK(fit("hello world", 8, {}) == "hello...");
  CHECK(fit("h\xc3\xa9llo world", 6, {.unicode = true}) == "h\xc3\xa9llo\xe2\x80\xa6");
  CHECK(fit("hello", 2, {}) == "..");
}

TEST_CASE("columns are as wide as their widest cell, colours not counted") {
  CHECK(table({{"a", "\x1b[32mgreen\x1b[0m", "x"}, {"long", "b", ""}}) ==
        "a     \x1b[32mgreen\x1b[0m  x\nlong  b\n");
}

TEST_CASE("colour marks an error's parts") {
  const Style style{.colour = true};

  const std::string shown =
      paint_error("error: text\n  --> Envfile:1:2\n   | ab\n   |  ^\n  hint: this\n", style);

  CHECK(shown ==
        "\x1b[31;1merror:\x1b[0m text\n\x1b[2m  --> Envfile:1:2\x1b[0m\n   | ab\n   |  \x1b[31;1m^\x1b[0m\n"
        "  \x1b[36mhint:\x1b[0m this\n");
}
