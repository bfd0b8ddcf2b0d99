#include "core/secrets.h"

#include <doctest/doctest.h>

#include "support/scripted_host.h"

using namespace envtool;

TEST_CASE("a secret is hidden as it is and as JSON writes it") {
  ScriptedHost scripted;
  Host host{scripted.runner, scripted.clock, scripted.reporter, {}, {}, {}};
  host.variables["TOKEN"] = R"(a"b\c)";
  ProjectConfig project;
  project.secrets["token"] = {{.environment = "TOKEN", .command = {}, .file = {}}};
  SecretStore secrets(project, host);
  secrets.read("token", {});

  CHECK(secrets.mask(R"(it is a"b\c)") == "it is ***");
  CHECK(secrets.mask(R"({"t": "a\"b\\c"})") == R"({"t": "***"})");
}
