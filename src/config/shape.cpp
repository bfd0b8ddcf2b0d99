#include "config/shape.h"

#include <algorithm>

namespace envtool {

const Field* Shape::field(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const Field& each) { return each.name == name; });
  return found == fields.end() ? nullptr : &*found;
}

std::vector<std::string> Shape::keys() const {
  std::vector<std::string> names;
  for (const Field& each : fields) names.push_back(each.name);
  return names;
}

namespace {

Late late_of(const OptionSpec& option) {
  return option.secrets ? Late::secrets : option.late ? Late::references : Late::never;
}

std::vector<Field> fields_of(const std::vector<OptionSpec>& options) {
  std::vector<Field> fields;
  for (const OptionSpec& option : options)
    fields.push_back({option.name, shape_of(option), option.required, option.fallback});
  return fields;
}

Shape text_with(Late late) { return {.kind = Shape::Kind::text, .late = late}; }
Shape any_with(Late late) { return {.kind = Shape::Kind::any, .late = late}; }

}  // namespace

Shape shape_of(const OptionSpec& option) {
  using Kind = Shape::Kind;
  const Late late = late_of(option);
  Shape shape{.summary = option.summary, .late = late, .script = option.script, .choices = option.choices};
  switch (option.type) {
    case OptionType::boolean:
      shape.kind = Kind::boolean;
      break;
    case OptionType::integer:
      shape.kind = Kind::integer;
      break;
    case OptionType::text:
      shape.kind = Kind::text;
      break;
    case OptionType::size:
      shape.kind = Kind::size;
      break;
    case OptionType::duration:
      shape.kind = Kind::duration;
      break;
    case OptionType::path:
      shape.kind = Kind::path;
      break;
    case OptionType::any:
      shape.kind = Kind::any;
      break;
    case OptionType::text_list:
      shape.kind = Kind::list;
      shape.one_stands_for_list = true;
      shape.element = {text_with(late)};
      break;
    case OptionType::text_map:
      shape.kind = Kind::free_map;
      shape.element = {text_with(late)};
      break;
    case OptionType::list:
      shape.kind = Kind::list;
      if (option.members.empty())
        shape.element = {any_with(late)};
      else if (option.members.size() == 1)
        shape.element = {shape_of(option.members[0])};
      else
        shape.element = {Shape{.kind = Kind::fixed_map, .fields = fields_of(option.members)}};
      break;
    case OptionType::map:
      shape.kind = option.members.empty() ? Kind::free_map : Kind::fixed_map;
      shape.fields = fields_of(option.members);
      if (option.members.empty()) shape.element = {any_with(late)};
      break;
  }
  return shape;
}

Shape shape_of(const PluginSchema& plugin) {
  Shape shape{
      .kind = Shape::Kind::fixed_map, .fields = fields_of(plugin.options), .shorthand = plugin.shorthand};
  if (!plugin.shorthand.empty()) shape.shorthand_types = {"string"};
  return shape;
}

}  // namespace envtool
