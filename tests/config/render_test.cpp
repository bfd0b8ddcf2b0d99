#include <doctest/doctest.h>

#include "base/files.h"
#include "config/sample.h"

namespace envtool::test {

namespace {

std::string rendered(const std::string& text) { return render_document(load_text(text).document, false); }

}  // namespace

TEST_CASE("what is rendered reads back to the same") {
  for (const char* name : {"one_machine", "several_machines"}) {
    CAPTURE(name);
    std::string text = read_file(data_directory() / (std::string(name) + ".yaml"));
    if (text.find("\nsecrets:") == std::string::npos) text += "secrets: {vault: {environment: V}}\n";

    const std::string once = rendered(text);

    CHECK(rendered(once) == once);
  }
}

TEST_CASE("a counted block is shown as its machines, which others then depend on") {
  const std::string once = rendered("machines: {web: {count: 2}, lb: {depends_on: web}}\n");

  CHECK(once.find("depends_on:\n      - web-1\n      - web-2\n") != std::string::npos);
  CHECK(rendered(once) == once);
}

TEST_CASE("only what a file says has an origin") {
  LoadOptions options = options_for("box: a\nparams: {one: '1', two: '2'}\ncpus: 2\n");
  options.params = {{"one", "3"}};

  const std::string shown = render_document(load_project(options).document, true);

  CHECK(shown.find("cpus: 2  # standard input:3\n") != std::string::npos);
  CHECK(shown.find("one: \"3\"\n") != std::string::npos);
  CHECK(shown.find("two: \"2\"  # standard input:2\n") != std::string::npos);
  CHECK(shown.find("host: /project\n") != std::string::npos);
}

TEST_CASE("odd texts survive rendering") {
  const char* odd[] = {"yes",  "22:22",      "0644",         "1.10",         "null",   "~",
                       "",     " a",         "a ",           "- a",          "a: b",   "#",
                       "'",    "\"",         "\\",           "a\nb",         "a\nb\n", "a\n\n",
                       "\nа",  "\xC2\x85",   "\xE2\x80\xA8", "\xEF\xBB\xBF", "\x7f",   "tab\there",
                       "${A}", "$$",         "1e3",          "0x1F",         "=",      "<<",
                       "true", "2026-01-01", "!tag",         "&anchor",      "*alias", "a\n  b\n\nc"};
  Value vars = Value::map();
  for (const char* text : odd) vars.set("k" + std::to_string(vars.members().size()), Value(text));
  vars.set("real", 1e20);
  vars.set("whole", 5);
  vars.set("half", 0.5);
  vars.set("truth", true);
  vars.set("nothing", Value());
  vars.set("empty list", Value::list());
  vars.set("empty map", Value::map());
  vars.set("lists", Value(Value::List{Value(Value::List{1, 2}),
                                      Value(Value::List{Value::map({{"a", 1}, {"b", 2}})})}));

  const std::string text = render_document(Value::map({{"x-odd", vars}}), false);
  // References are doubled by the document, not by the renderer: an x- key is not expanded, so go through
  // vars.
  Value escaped = vars;
  for (const auto& [key, value] : vars.members())
    if (value.is_text() && value.as_text().find('$') != std::string::npos)
      escaped.set(key, Value(value.as_text() == "$$" ? "$$$$" : "$${A}"));
  const LoadedProject loaded = load_text(render_document(Value::map({{"vars", escaped}}), false));

  CHECK_FALSE(text.empty());
  CHECK(loaded.project.machines[0].vars == vars);
  CHECK(load_text(render_document(loaded.document, false)).project.machines[0].vars == vars);
}

TEST_CASE("origins are comments that change nothing") {
  const LoadedProject loaded = load_text("box: a\nprovision:\n  - shell: |\n      one\n      two\n");

  const std::string text = render_document(loaded.document, true);

  CHECK(text.find("name: a  # standard input:1\n") != std::string::npos);
  CHECK(text.find("inline: |  # standard input:3\n") != std::string::npos);
  CHECK(rendered(text) == render_document(loaded.document, false));
}

TEST_CASE("the schema comes from the tables that validate") {
  const Value schema = envfile_schema(sample_plugins());
  const Value& properties = schema["properties"];

  CHECK(schema["$schema"] == Value("https://json-schema.org/draft/2020-12/schema"));
  for (const char* key :
       {"envtool", "name", "params", "box", "memory", "ports", "provision", "machines", "hooks"}) {
    CAPTURE(key);
    CHECK(properties.has(key));
  }
  CHECK(schema["additionalProperties"] == Value(false));
  CHECK(properties["providers"]["properties"]["lxc"]["properties"]["unprivileged"]["default"] == Value(true));
  CHECK(schema["$defs"]["machine"]["properties"].has("count"));
  CHECK_FALSE(properties.has("count"));
}

}  // namespace envtool::test
