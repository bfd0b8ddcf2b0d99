#include "boxes/index.h"

#include <doctest/doctest.h>

#include <fstream>

#include "support/scripted_host.h"

using namespace envtool;

TEST_CASE(
    "a box that is known by a new file forgets those of its files that are gone, and no other box does") {
  const TemporaryDirectory place;
  ScriptedHost host;
  BoxIndex index(place.path() / "index.json");
  const auto remember = [&](const std::string& name, const std::string& digest) {
    const std::filesystem::path file = place.path() / name;
    std::ofstream(file) << name;
    index.remember_file(file, FileStamp::of(file), digest, host.operation);
    return file.string();
  };
  std::filesystem::remove(remember("vanished", "one"));
  const std::string there = remember("there", "one");
  const std::string only = remember("only", "other");
  std::filesystem::remove(only);

  const std::string added = remember("added", "one");

  CHECK(index.addresses().at("one") == std::vector<std::string>{added, there});
  CHECK(index.addresses().at("other") == std::vector<std::string>{only});
}
