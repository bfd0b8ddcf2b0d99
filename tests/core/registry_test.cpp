#include "core/registry.h"

#include <doctest/doctest.h>

using namespace envtool;

TEST_CASE("where the Envfile names no provider, the one of the lowest precedence comes first") {
  ProviderRegistry registry;
  const auto none = [](Host&) { return std::unique_ptr<Provider>(); };
  registry.add({.name = "heavy", .precedence = 10}, none);
  registry.add({.name = "light"}, none);
  registry.add({.name = "other", .precedence = 10}, none);
  registry.add({.name = "another"}, none);

  std::vector<std::string> names;
  for (const ProviderInfo& info : registry.infos()) names.push_back(info.name);

  CHECK(names == std::vector<std::string>{"light", "another", "heavy", "other"});
}
