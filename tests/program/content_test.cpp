#include <doctest/doctest.h>

#include "program/real_tables.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("validate looks into what provisioners are given") {
  RealTables world;
  world.write_envfile(
      "provision:\n"
      "  - shell: {inline: x, path: y}\n"
      "  - shell: {}\n"
      "  - shell: ''\n"
      "  - shell: {path: setup.sh}\n"
      "  - ansible: site.yml\n"
      "  - file: {source: Envfile, destination: /x, mode: '999'}\n"
      "provision_all:\n"
      "  - ansible: all.yml\n");

  const CliResult result = run_cli(world, {"validate"});

  CHECK(result.code == 3);
  for (const std::string text :
       {"either 'inline' or 'path'\n  --> Envfile:4:", "'path'\n  --> Envfile:5:",
        "the script is empty\n  --> Envfile:6:", "no file 'setup.sh' in '", "no playbook 'site.yml' in '",
        "an octal mode, found '999'\n  --> Envfile:9:", "no playbook 'all.yml' in '"})
    CHECK_MESSAGE(has(result.errors, text), text);
}

TEST_CASE("that Ansible is not installed keeps machines from coming up, and no Envfile from being valid") {
  RealTables world;
  world.variables["PATH"] = "/nonexistent";
  world.write("site.yml", "");
  world.write_envfile("provision: [{ansible: site.yml}]\n");

  const CliResult up = run_cli(world, {"up"});

  CHECK(run_cli(world, {"validate"}).code == 0);
  CHECK(up.code == 4);
  CHECK(has(up.errors, "'ansible-playbook' is not installed"));
}
