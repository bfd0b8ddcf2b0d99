#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "core/host_resources.h"
#include "support/bare_provider.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Has the provider "bare" besides, which supports no key at all.
struct TwoProviders : TestWorld {
  TwoProviders() {
    providers.add(BareProvider::make_info(),
                  [this](Host&) { return std::make_unique<BareProvider>(backend); });
  }
};

}  // namespace

TEST_CASE("validate finds what plan would, on a host that can hold no machine") {
  TestWorld world;
  world.backend.host_problem = "the kernel is too old";
  world.write("Envfile", "name: shop\nfolders: ['./gone:/srv']\n");
  const CliResult nothing = run_cli(world, {"validate"});
  world.write("Envfile", "box: other/debian\nfolders: []\n");
  const CliResult no_such_box = run_cli(world, {"validate"});

  CHECK(nothing.code == 3);
  CHECK(has(nothing.errors, "machine 'default' has no box"));
  CHECK(has(nothing.errors, "folder '" + (world.project() / "gone").string() + "' is not there"));
  CHECK(no_such_box.code == 3);
  CHECK(has(no_such_box.errors, "no box 'other/debian'\n  --> Envfile:1:6"));
}

TEST_CASE("validate refuses keys that none of the machine's providers supports, as plan does") {
  TwoProviders world;
  const std::string cloud_init = "cloud_init: {inline: x}\n";
  world.write_envfile(cloud_init);
  const CliResult neither = run_cli(world, {"validate"});
  const CliResult data = run_cli(world, {"validate", "--json"});
  world.write_envfile("provider: bare\ncpus: 1\n");
  const CliResult named = run_cli(world, {"validate"});
  world.write_envfile("cpus: 1\n");
  const CliResult one_of_all = run_cli(world, {"validate"});
  world.write_envfile("provider: [bare, fake]\ncpus: 1\n");
  const CliResult one_of_named = run_cli(world, {"validate"});

  CHECK(neither.code == 6);
  CHECK_MESSAGE(has(neither.errors, "'cloud_init' is not supported by provider 'fake'\n  --> Envfile:3:1"),
                neither.errors);
  CHECK(has(neither.errors, "hint: nor by bare\n"));
  CHECK(data.code == 6);
  CHECK(parse_json(data.output, "validate")["valid"] == Value(false));
  CHECK(named.code == 6);
  CHECK(has(named.errors, "'cpus' is not supported by provider 'bare'"));
  CHECK(one_of_all.code == 0);
  CHECK(one_of_named.code == 0);
}

TEST_CASE("a box that only one provider is given is enough") {
  TwoProviders world;
  world.write("Envfile", "folders: []\nproviders: {bare: {box: fake/debian}}\n");
  const CliResult either = run_cli(world, {"validate"});
  world.write("Envfile", "folders: []\nprovider: fake\nproviders: {bare: {box: fake/debian}}\n");
  const CliResult other = run_cli(world, {"validate"});

  CHECK_MESSAGE(either.code == 0, either.errors);
  CHECK(other.code == 3);
}

TEST_CASE("what is wrong comes in the order of the file") {
  TestWorld world;
  world.write(
      "Envfile",
      "disk: 5GiB\nbox: other/debian\nnetworks: [{name: lan, bridge: br0}]\nfolders: ['./gone:/srv']\n");

  const std::string errors = run_cli(world, {"validate"}).errors;

  std::vector<std::size_t> places;
  for (const std::string line : {"Envfile:1:", "Envfile:2:", "Envfile:3:", "Envfile:4:"})
    places.push_back(errors.find(line));
  CHECK(std::ranges::is_sorted(places));
  CHECK(places.back() != std::string::npos);
}

TEST_CASE("more processors or memory than the host has is warned of, once") {
  TestWorld world;
  const HostResources host = host_resources();
  world.write_envfile(
      fmt::format("cpus: {}\nmemory: 9000GiB\nmachines: {{a: {{}}, b: {{}}}}\n", host.cpus + 1));

  const CliResult plan = run_cli(world, {"plan"});

  CHECK(plan.code == 0);
  const std::string cpus =
      fmt::format("warning: 'cpus' is {} (Envfile:3:1), and this host has {}\n", host.cpus + 1, host.cpus);
  CHECK_MESSAGE(has(plan.errors, cpus), plan.errors);
  CHECK(plan.errors.find(cpus) == plan.errors.rfind(cpus));
  CHECK(has(plan.errors, "warning: 'memory' is 9000GiB (Envfile:4:1), and this host has "));
}
