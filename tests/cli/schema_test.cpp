#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "places.h"
#include "support/test_world.h"

using namespace envtool;

namespace {

bool is_of_type(const Value& value, const std::string& type) {
  if (type == "string") return value.is_text();
  if (type == "boolean") return value.is_bool();
  if (type == "integer") return value.is_integer();
  if (type == "number") return value.is_integer() || value.is_real();
  return type == "array" ? value.is_list() : value.is_map();
}

Value schema_of_file(const std::string& file) {
  return parse_json(read_file(source_directory / "tests/data/schema" / file), file);
}

/// The first violation of the part of JSON Schema that tests/data/schema uses; empty when there is none.
std::string violation(const Value& value, const Value& schema, const std::string& path = "$") {
  if (schema.has("$ref")) return violation(value, schema_of_file(schema["$ref"].as_text()), path);
  if (!is_of_type(value, schema["type"].as_text()))
    return fmt::format("{} is {}, not of type {}", path, value.kind_name(), schema["type"].as_text());
  const std::vector<std::string> choices = schema["enum"].as_texts();
  if (!choices.empty() && std::find(choices.begin(), choices.end(), value.as_text()) == choices.end())
    return fmt::format("{} may not be '{}'", path, value.as_text());
  for (const std::string& key : schema["required"].as_texts())
    if (!value.has(key)) return fmt::format("{} lacks '{}'", path, key);
  for (const auto& [key, member] : value.members()) {
    if (!schema["properties"].has(key)) {
      if (schema["additionalProperties"] != Value(false)) continue;
      return fmt::format("{} has '{}', which the schema does not know", path, key);
    }
    if (std::string found = violation(member, schema["properties"][key], path + "." + key); !found.empty())
      return found;
  }
  for (std::size_t i = 0; i < value.items().size(); ++i)
    if (std::string found = violation(value.items()[i], schema["items"], fmt::format("{}[{}]", path, i));
        !found.empty())
      return found;
  return {};
}

Value schema(const std::string& name) { return schema_of_file(name + ".json"); }

/// `named`: words of the command, which name its schema.
void check_document(TestWorld& world, std::vector<std::string> words, std::ptrdiff_t named = 1) {
  const std::string name = join({words.begin(), words.begin() + named}, "-");
  CAPTURE(name);
  words.emplace_back("--json");
  const CliResult result = run_cli(world, words);
  CHECK(violation(parse_json(result.output, name), schema(name)) == "");
}

/// `has_machines`: the result tells of some.
void check_events(TestWorld& world, std::vector<std::string> words, bool has_machines = true) {
  const std::string name = words.front();
  CAPTURE(name);
  words.emplace_back("--json");
  const CliResult result = run_cli(world, words);
  const Value events = schema("events");
  std::string last;
  for (const std::string& line : split(trim(result.output), '\n')) {
    CHECK(violation(parse_json(line, name), events) == "");
    last = line;
  }
  const Value end = parse_json(last, name);
  CHECK(end["event"] == Value("result"));
  CHECK(end["exit_code"] == Value(result.code));
  CHECK(end["machines"].items().empty() != has_machines);
  CHECK(result.errors.empty());
}

}  // namespace

TEST_CASE("--json prints what the schemas say, before and after up") {
  TestWorld world;
  world.write("Envfile",
              "box: fake/debian\ncpus: 2\nmemory: 1GiB\nfolders: [\".:/srv\"]\nprovision: [{note: hello}]\n");
  const std::vector<std::vector<std::string>> always = {
      {"version"},   {"status"},    {"list"},   {"plan"}, {"validate"}, {"info"},
      {"inventory"}, {"providers"}, {"doctor"}, {"port"}, {"logs"},     {"ssh-config"}};
  for (const auto& words : always) check_document(world, words);

  run_cli(world, {"up"});

  for (const auto& words : always) check_document(world, words);
  run_cli(world, {"snapshot", "save", "clean"});
  check_document(world, {"snapshot", "list"}, 2);
  check_document(world, {"info"});
  check_document(world, {"status", "--usage"});
  check_document(world, {"limits"});
  check_document(world, {"limits", "--cpu-set", "0"});
  check_document(world, {"completion", "bash"});
}

TEST_CASE("--json of a block or a glob is a list of what its machines have") {
  TestWorld world;
  world.write_envfile("machines: {web: {count: 2}}\n");
  run_cli(world, {"up"});

  for (const std::string command : {"info", "port"}) {
    const Value document = parse_json(run_cli(world, {command, "web", "--json"}).output, command);
    CHECK(violation(document, schema(command + "-machines")) == "");
    CHECK(document["machines"].items().size() == 2);
  }
}

TEST_CASE("--json of what the project's boxes are locked to keeps to the schema") {
  TestWorld world;
  world.write_envfile();
  check_document(world, {"box", "outdated"}, 2);
  check_document(world, {"box", "update"}, 2);
  world.boxes.newest_version = "2";
  check_document(world, {"box", "outdated"}, 2);
  world.write("Envfile", "box: fake/missing\nprovider: fake\n");
  check_document(world, {"box", "outdated"}, 2);
}

TEST_CASE("--json of the store of boxes keeps to the schemas") {
  TestWorld world;
  check_document(world, {"box", "list"}, 2);
  check_document(world, {"box", "add", "fake/debian"}, 2);
  for (const std::string command : {"list", "verify"}) check_document(world, {"box", command}, 2);
  check_document(world, {"box", "info", "fake/debian"}, 2);
  check_document(world, {"box", "remove", "fake/debian"}, 2);
  check_document(world, {"box", "prune", "--yes"}, 2);
}

TEST_CASE("--json of an invalid Envfile keeps to the schema too") {
  TestWorld world;
  world.write("Envfile", "nonsense: true\n");

  check_document(world, {"validate"});
}

TEST_CASE("--json of what takes time is a stream of events that ends with the result") {
  TestWorld world;
  world.write_envfile("machines: {db: {}, web: {depends_on: [db], provision: [{note: hello}]}}\n");
  world.guests.answer = [](const std::string&, const GuestCommand&) {
    return ProcessResult{.output = "line\n"};
  };

  check_events(world, {"up"});
  check_events(world, {"provision"});
  check_events(world, {"suspend"});
  check_events(world, {"resume"});
  check_events(world, {"snapshot", "save", "clean"});
  check_events(world, {"snapshot", "restore", "clean"});
  check_events(world, {"snapshot", "delete", "clean"});
  check_events(world, {"package", "db"});
  check_events(world, {"package", "db", "--output", "no/where.box"});
  check_events(world, {"halt"});
  world.backend.fail_at("start", "no power");
  check_events(world, {"up"});
  check_events(world, {"reload"});
  check_events(world, {"destroy", "--yes"});
  check_events(world, {"destroy", "--yes", "nobody"}, false);
  world.write_envfile("memroy: 1GiB\n");
  check_events(world, {"up"}, false);
  std::filesystem::remove(world.project() / "Envfile");
  check_events(world, {"up"}, false);
}

TEST_CASE("a machine that fails took its time") {
  TestWorld world;
  world.write_envfile();
  world.backend.on_call = [&](const std::string& call, const std::string&, Operation& operation) {
    if (call != "start") return;
    operation.sleep_for(std::chrono::seconds(3));
    throw Error(ErrorKind::failed, "no power");
  };

  const CliResult result = run_cli(world, {"up", "--json"});

  const Value end = parse_json(split(trim(result.output), '\n').back(), "up");
  CHECK(end["machines"].items().at(0)["seconds"].as_real() >= 3);
}

TEST_CASE("the validator of these tests finds what is wrong") {
  const Value version = schema("version");

  CHECK(violation(parse_json(R"({"version":"1"})", "x"), version) == "");
  CHECK(violation(parse_json(R"({"version":1})", "x"), version) ==
        "$.version is a number, not of type string");
  CHECK(violation(parse_json("{}", "x"), version) == "$ lacks 'version'");
  CHECK(violation(parse_json(R"({"version":"1","b":2})", "x"), version) ==
        "$ has 'b', which the schema does not know");
}
