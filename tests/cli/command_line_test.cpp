#include "cli/command_line.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "cli/commands/commands.h"

using namespace envtool;

namespace {

/// A small language: `up [-j N] [--provider NAME] [MACHINE...]` and `exec [MACHINE] -- CMD...`.
struct Language {
  GlobalOptions globals;
  std::vector<std::string> machines, rest;
  std::string provider;
  int jobs = 0;
  bool force = false;
  CommandLine line{
      {Command{.name = "up",
               .group = "x",
               .options = {number_option('j', "jobs", "N", jobs, {1, 99}, ""),
                           text_option('p', "provider", "NAME", provider, ""), flag('F', "force", force, "")},
               .arguments = {machine_arguments(machines)}},
       Command{.name = "exec",
               .group = "x",
               .arguments = {{.name = "MACHINE",
                              .set = [this](const std::string& word) { machines.push_back(word); }}},
               .rest = ArgumentRow{.name = "CMD...",
                                   .set = [this](const std::string& word) { rest.push_back(word); },
                                   .required = true}}},
      globals};

  const Command* parse(std::vector<std::string> words) { return line.parse(words); }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("options stand before, behind and between arguments") {
  Language language;

  const Command* command = language.parse({"-v", "up", "a", "--jobs", "3", "b", "-y", "--provider=lxc", "c"});

  REQUIRE(command != nullptr);
  CHECK(command->name == "up");
  CHECK(language.machines == Words{"a", "b", "c"});
  CHECK(language.jobs == 3);
  CHECK(language.provider == "lxc");
  CHECK(language.globals.verbose);
  CHECK(language.globals.yes);
}

TEST_CASE("letters may be bundled, and a value may follow its letter") {
  Language language;

  language.parse({"up", "-Fvj12", "-plxc", "-q"});

  CHECK(language.force);
  CHECK(language.globals.verbose);
  CHECK(language.globals.quiet);
  CHECK(language.jobs == 12);
  CHECK(language.provider == "lxc");
}

TEST_CASE("a value may look like an option or be empty") {
  Language language;

  language.parse({"up", "--provider", "--jobs"});
  CHECK(language.provider == "--jobs");

  language.parse({"up", "--provider="});
  CHECK(language.provider.empty());
}

TEST_CASE("an empty value takes nothing from the next word") {
  Language language;
  language.provider = "lxc";

  language.parse({"up", "--provider=", "web"});

  CHECK(language.provider.empty());
  CHECK(language.machines == Words{"web"});
}

TEST_CASE("an optional value never takes the next word") {
  Language language;

  language.parse({"up", "--wait", "web"});
  CHECK(language.globals.wait);
  CHECK(language.globals.wait_seconds == 0);
  CHECK(language.machines == Words{"web"});

  language.parse({"up", "--wait=30"});
  CHECK(language.globals.wait_seconds == 30);
}

TEST_CASE("a machine may be called like a command") {
  Language language;

  CHECK(language.parse({"up", "exec", "up"})->name == "up");
  CHECK(language.machines == Words{"exec", "up"});
}

TEST_CASE("a glob in brackets is one word") {
  Language language;

  language.parse({"up", "[ab]", "[a,b]", "{}"});

  CHECK(language.machines == Words{"[ab]", "[a,b]", "{}"});
}

TEST_CASE("what stands before a mistake was read, for completion") {
  Language language;

  CHECK_THROWS_AS(language.parse({"-C", "there", "up", "--force", "--provider"}), Error);

  CHECK(language.globals.directory == "there");
  CHECK(language.force);
}

TEST_CASE("what stands behind two dashes is passed on as it is") {
  Language language;

  language.parse({"exec", "web", "--", "ls", "-l", "--", "--json", ""});

  CHECK(language.machines == Words{"web"});
  CHECK(language.rest == Words{"ls", "-l", "--", "--json", ""});
  CHECK_FALSE(language.globals.json);
}

TEST_CASE("behind two dashes a machine's name may begin with a dash") {
  Language language;

  language.parse({"up", "--", "-x"});

  CHECK(language.machines == Words{"-x"});
}

TEST_CASE("params are collected, the last of a name wins") {
  Language language;

  language.parse({"--param", "a=1", "up", "--param", "b=x=y", "--param=a=2"});

  CHECK(language.globals.params == std::map<std::string, std::string>{{"a", "2"}, {"b", "x=y"}});
}

TEST_CASE("a mistake is named, with what was meant") {
  struct Row {
    Words words;
    const char* text;
    const char* hint;
  };
  const Row rows[] = {
      {{"upp"}, "no command 'upp'", "did you mean 'up'?"},
      {{"frobnicate"}, "no command 'frobnicate'", "'envtool --help' lists all commands"},
      {{"up", "--jbos", "3"}, "'up' has no option '--jbos'", "did you mean '--jobs'?"},
      {{"up", "-z"}, "'up' has no option '-z'", "'envtool up --help' lists them"},
      {{"up", "--jbos=3"}, "'up' has no option '--jbos'", "did you mean '--jobs'?"},
      {{"up", "-Fz"}, "'up' has no option '-z'", "'envtool up --help' lists them"},
      {{"web", "status"}, "no command 'web'", "'envtool --help' lists all commands"},
      {{"--verbsoe", "up"}, "no option '--verbsoe'", "did you mean '--verbose'?"},
      {{"--jobs", "3", "up"}, "'--jobs' is an option of 'up'", "put it behind the command"},
      {{"up", "--jobs"}, "'--jobs' needs a value: --jobs N", ""},
      {{"up", "-j"}, "'--jobs' needs a value: --jobs N", ""},
      {{"up", "--jobs", "many"}, "'--jobs' wants a whole number from 1 to 99, not 'many'", ""},
      {{"up", "--jobs", "100"}, "'--jobs' wants a whole number from 1 to 99, not '100'", ""},
      {{"up", "--force=yes"}, "'--force' takes no value", ""},
      {{"up", "--param", "x"}, "'--param' wants NAME=VALUE, not 'x'", ""},
      {{"exec", "web"}, "'exec' needs CMD... behind '--'", "usage: envtool exec [MACHINE] -- CMD..."},
      {{"exec", "web", "ls"},
       "'exec' does not know what to do with 'ls'",
       "CMD... belongs behind '--': envtool exec [MACHINE] -- CMD..."},
  };
  for (const Row& row : rows) {
    Language language;
    CAPTURE(row.text);
    try {
      language.parse(row.words);
      FAIL("nothing was wrong with it");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::usage);
      CHECK(std::string(error.what()) == row.text);
      CHECK(error.hint() == row.hint);
    }
  }
}

TEST_CASE("asking for help needs no arguments") {
  Language language;

  CHECK(language.parse({"exec", "--help"})->name == "exec");
  CHECK(language.globals.help);
}

TEST_CASE("no command's options collide with the global ones or each other") {
  GlobalOptions globals;
  const CommandLine language(all_commands(), globals);
  for (const Command& command : language.commands()) {
    std::vector<std::string> taken;
    std::vector<OptionRow> rows = language.globals();
    rows.insert(rows.end(), command.options.begin(), command.options.end());
    for (const OptionRow& row : rows) {
      CAPTURE(command.name);
      CAPTURE(row.name);
      // Before a command it is the program's, behind 'box add' the box's.
      if (command.name == "box add" && row.name == "version") continue;
      CHECK(std::find(taken.begin(), taken.end(), row.name) == taken.end());
      taken.push_back(row.name);
      if (row.letter == 0) continue;
      CHECK(std::find(taken.begin(), taken.end(), std::string(1, row.letter)) == taken.end());
      taken.emplace_back(1, row.letter);
    }
  }
}
