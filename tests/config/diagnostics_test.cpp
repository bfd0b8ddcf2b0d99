#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "base/files.h"
#include "config/sample.h"

namespace envtool::test {

TEST_CASE("every bad file is answered with exactly its golden text") {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(data_directory() / "errors"))
    if (entry.path().extension() == ".yaml") files.push_back(entry.path());
  std::ranges::sort(files);
  REQUIRE(files.size() > 40);

  for (std::filesystem::path file : files) {
    CAPTURE(file.filename());
    const std::string shown = problems_of(read_file(file));

    CHECK(shown == read_file(file.replace_extension(".txt")));
  }
}

TEST_CASE("a version that does not match is told before anything else") {
  const std::string shown = problems_of("envtool: '>= 2'\nunknown: 1\nbox: a\nbox: b\n");

  CHECK(shown.find("this Envfile is for envtool >= 2") != std::string::npos);
  CHECK(shown.find("unknown key") == std::string::npos);
  CHECK(shown.find("duplicate") == std::string::npos);
}

TEST_CASE("a problem at the top level is told once for all machines") {
  const std::string shown = problems_of("memory: 5\nmachines: {a: {}, b: {}, c: {}}\n");

  CHECK(shown.find("error:") == shown.rfind("error:"));
}

TEST_CASE("no more than a hundred problems are shown") {
  std::string text;
  for (int number = 0; number < 150; ++number) text += "unknown_" + std::to_string(number) + ": 1\n";

  const std::string shown = problems_of(text);

  CHECK(shown.find("50 more problems are not shown") != std::string::npos);
}

TEST_CASE("an unset variable under sudo gets the hint to run without") {
  LoadOptions options = options_for("hostname: ${NOT_SET}\n");
  options.under_sudo = true;

  CHECK(problems_of(options).find("run envtool without sudo") != std::string::npos);
}

TEST_CASE("an unknown parameter on the command line is an error of usage") {
  LoadOptions options = options_for("params: {release: '1'}\n");
  options.params = {{"relaese", "2"}};

  try {
    load_project(options);
    FAIL("nothing was thrown");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::usage);
    CHECK(error.hint() == "did you mean 'release'?");
  }
}

}  // namespace envtool::test
