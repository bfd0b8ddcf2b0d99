#include <fmt/format.h>

#include "config/load.h"
#include "config/tables.h"

namespace envtool {

namespace {

using Kind = Shape::Kind;

// Anything may also be written with references, and these are expanded before types are checked.
constexpr std::string_view reference_pattern = "\\$\\{[^}]+\\}";

Value schema_of(const Shape& shape);

Value whole(std::string_view pattern) { return fmt::format("^(?:{})$", pattern); }

Value of_type(std::string_view type) { return Value::map({{"type", type}}); }

Value text_schema(const Shape& shape) {
  // YAML readers see `version: 1.10` as a number; it is text as written here.
  if (shape.choices.empty() && shape.format.pattern.empty())
    return Value::map({{"type", Value(Value::List{"string", "number", "boolean"})}});
  Value rule = Value::map();
  if (!shape.choices.empty()) {
    Value choices = Value::list();
    for (const std::string& choice : shape.choices) choices.push_back(choice);
    rule.set("enum", choices);
    return rule;
  }
  rule.set("type", "string");
  rule.set("pattern", whole(shape.format.pattern));
  rule.set("description", "expected: " + std::string(shape.format.expected));
  return Value::map({{"anyOf", Value(Value::List{rule, of_type("integer")})}});
}

Value map_schema(const Shape& shape) {
  Value properties = Value::map();
  Value required = Value::list();
  for (const Field& field : shape.fields) {
    Value below = schema_of(field.shape);
    if (!field.fallback.is_null()) below.set("default", field.fallback);
    properties.set(field.name, std::move(below));
    if (field.required) required.push_back(field.name);
  }
  Value schema =
      Value::map({{"type", "object"}, {"properties", properties}, {"additionalProperties", false}});
  // A layer over another may say less: what is required is asked of the merged whole.
  if (shape.ignores_x) schema.set("patternProperties", Value::map({{"^x-", true}}));
  if (!required.items().empty()) schema.set("required", required);
  Value kinds = Value::list();
  for (const std::string& key : shape.exactly_one_of)
    kinds.push_back(Value::map({{"required", Value(Value::List{key})}}));
  if (!kinds.items().empty()) schema.set("oneOf", kinds);
  return schema;
}

/// An item of a merged list may switch an inherited one off, and then says only which.
Value merged_item_schema(const Shape& element) {
  Value schema = map_schema(element);
  Value properties = schema["properties"];
  properties.set("disabled", of_type("boolean"));
  schema.set("properties", properties);
  schema.erase("required");
  schema.erase("oneOf");
  if (element.shorthand_types.empty()) return schema;
  Value alternatives = Value::list();
  for (const std::string& type : element.shorthand_types) alternatives.push_back(of_type(type));
  alternatives.push_back(schema);
  return Value::map({{"anyOf", alternatives}});
}

Value list_schema(const Shape& shape) {
  const Shape& element = shape.element[0];
  const bool is_merged = shape.merge_by != MergeBy::replace;
  const Value items = is_merged ? merged_item_schema(element) : schema_of(element);
  const Value list = Value::map({{"type", "array"}, {"items", items}});
  return shape.one_stands_for_list ? Value::map({{"anyOf", Value(Value::List{items, list})}}) : list;
}

Value free_map_schema(const Shape& shape) {
  Value schema = Value::map({{"type", "object"}, {"additionalProperties", schema_of(shape.element[0])}});
  if (!shape.key_format.pattern.empty())
    schema.set("propertyNames", Value::map({{"pattern", whole(shape.key_format.pattern)}}));
  return schema;
}

Value integer_schema(const Shape& shape) {
  Value schema = of_type("integer");
  if (shape.minimum != std::numeric_limits<std::int64_t>::min()) schema.set("minimum", shape.minimum);
  if (shape.maximum != std::numeric_limits<std::int64_t>::max()) schema.set("maximum", shape.maximum);
  if (!shape.of_host) return schema;
  const Value share = Value::map({{"type", "string"}, {"pattern", "^[0-9]{1,3}%$"}});
  return Value::map({{"anyOf", Value(Value::List{schema, share})}});
}

Value bare_schema(const Shape& shape) {
  const auto pattern = [](std::string_view text) {
    return Value::map({{"type", "string"}, {"pattern", whole(text)}});
  };
  switch (shape.kind) {
    case Kind::boolean:
      return of_type("boolean");
    case Kind::integer:
      return integer_schema(shape);
    case Kind::size:
      return pattern(shape.of_host ? "[0-9]+([.][0-9]+)? ?[BKMGTbkmgt][iI]?[bB]?|[0-9]{1,3}%"
                                   : "[0-9]+([.][0-9]+)? ?[BKMGTbkmgt][iI]?[bB]?");
    case Kind::duration:
      return pattern("([0-9]+(ms|s|m|h|d))+");
    case Kind::path:
      return of_type("string");
    case Kind::list:
      return list_schema(shape);
    case Kind::fixed_map:
      return map_schema(shape);
    case Kind::free_map:
      return free_map_schema(shape);
    case Kind::any:
      return Value::map();
    case Kind::text:
      break;
  }
  return text_schema(shape);
}

bool may_be_reference(const Shape& shape) {
  const bool is_scalar =
      shape.kind != Kind::list && shape.kind != Kind::fixed_map && shape.kind != Kind::free_map;
  const bool takes_any_text =
      shape.kind == Kind::any || shape.kind == Kind::path ||
      (shape.kind == Kind::text && shape.choices.empty() && shape.format.pattern.empty());
  return is_scalar && !takes_any_text && !shape.script;
}

Value schema_of(const Shape& shape) {
  Value schema = bare_schema(shape);
  Value alternatives = Value::list();
  if (shape.kind == Kind::fixed_map) {
    for (const std::string& type : shape.shorthand_types) alternatives.push_back(of_type(type));
    if (!shape.choices.empty()) alternatives.push_back(text_schema(shape));
  }
  if (may_be_reference(shape))
    alternatives.push_back(Value::map({{"type", "string"}, {"pattern", reference_pattern}}));
  if (!alternatives.items().empty()) {
    alternatives.push_back(schema);
    schema = Value::map({{"anyOf", alternatives}});
  }
  if (!shape.summary.empty()) schema.set("description", shape.summary);
  return schema;
}

}  // namespace

Value envfile_schema(const PluginSchemas& plugins) {
  const Tables tables = make_tables(plugins);
  Shape top = tables.project;
  top.summary = "An Envfile: machines for a project";
  for (const Field& field : tables.defaults.fields) top.fields.push_back(field);
  const Value machines =
      Value::map({{"type", "object"},
                  {"description", "machines by name; absent: one called 'default'"},
                  {"propertyNames", Value::map({{"pattern", whole(machine_name_format().pattern)}})},
                  {"additionalProperties", Value::map({{"$ref", "#/$defs/machine"}})}});
  Value schema =
      Value::map({{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"title", "Envfile"}});
  const Value body = schema_of(top);
  for (const auto& [key, value] : body.members()) schema.set(key, value);
  Value properties = schema["properties"];
  properties.set("machines", machines);
  schema.set("properties", properties);
  Value machine = schema_of(tables.machine);
  machine.set("type", Value(Value::List{"object", "null"}));
  schema.set("$defs", Value::map({{"machine", machine}}));
  return schema;
}

}  // namespace envtool
