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

TEST_CASE("a size of the root disk asks for a storage that has one") {
  RealTables world;
  const auto validate = [&](const std::string& text) {
    world.write_envfile("provider: lxc\n" + text);
    return run_cli(world, {"validate"});
  };

  const CliResult overlay = validate("disk: 5GiB\nproviders: {lxc: {storage: overlay}}\n");
  CHECK(overlay.code == 6);
  CHECK(has(overlay.errors, "'disk' is not supported by provider 'lxc'\n  --> Envfile:"));
  CHECK(has(overlay.errors, "hint: 'providers: {lxc: {storage: {lxc: loop}}}' gives the machine"));
  CHECK(validate("disk: 5GiB\nproviders: {lxc: {storage: {lxc: loop}}}\n").code == 0);
}

TEST_CASE("a storage of LXC's is a word, or a map with liblxc's own") {
  RealTables world;
  const auto validate = [&](const std::string& storage) {
    world.write_envfile("provider: lxc\nproviders: {lxc: {storage: " + storage + "}}\n");
    return run_cli(world, {"validate"});
  };

  for (const char* storage :
       {"btrfs", "{lxc: lvm, vgname: fast, thinpool: pool0, fstype: xfs}", "{lxc: zfs}"})
    CHECK_MESSAGE(validate(storage).code == 0, storage);
  const CliResult word = validate("zfs");
  CHECK(word.code == 3);
  CHECK(has(word.errors, "must be one of overlay, dir, btrfs, or a map, found 'zfs'"));
  CHECK(has(word.errors, "hint: did you mean '{lxc: zfs}'?"));
  CHECK(has(validate("{fstype: xfs}").errors, "'lxc' is missing in 'providers.lxc.storage'"));
  CHECK(has(validate("{lxc: loop, vgname: fast}").errors, "'vgname' means nothing with 'lxc: loop'"));
  CHECK(has(validate("{lxc: loop, fstype: ext5}").errors, "must be one of ext4, xfs, found 'ext5'"));
}
