#include "config/document.h"

#include "config/references.h"
#include "config/scalar.h"

namespace envtool {

namespace {

bool holds_numbers(Shape::Kind kind) {
  return kind == Shape::Kind::boolean || kind == Shape::Kind::integer || kind == Shape::Kind::any;
}

Value scalar(const Node& node, const Shape& shape) {
  const bool is_data = node.plain || (node.substituted && shape.kind != Shape::Kind::any);
  if (node.late || node.script) return node.text;
  if (is_data && holds_numbers(shape.kind)) {
    const Value typed = typed_scalar(node.text);
    if (!typed.is_text()) return typed;
  }
  const bool is_reference =
      node.text.find("${") != std::string::npos || node.text.find("$$") != std::string::npos;
  return is_reference ? escape_references(node.text) : node.text;
}

Value map(const Node& node, const Shape& shape) {
  static const Shape any{.kind = Shape::Kind::any};
  Value::Map members;
  for (const Entry& entry : node.entries) {
    const Field* field = shape.kind == Shape::Kind::fixed_map ? shape.field(entry.key) : nullptr;
    if (shape.kind == Shape::Kind::fixed_map && !field) continue;
    const Shape& below = field ? field->shape : shape.kind == Shape::Kind::free_map ? shape.element[0] : any;
    if (entry.value.is_null() && below.kind != Shape::Kind::any) continue;
    members.emplace_back(entry.key, document_of(entry.value, below));
  }
  return Value::map_of(std::move(members));
}

}  // namespace

Value document_of(const Node& node, const Shape& shape) {
  Value value;
  if (node.is_scalar()) {
    value = scalar(node, shape);
  } else if (node.is_map()) {
    value = map(node, shape);
  } else if (node.is_list()) {
    static const Shape any{.kind = Shape::Kind::any};
    value = Value::list();
    for (const Node& item : node.items)
      value.push_back(document_of(item, shape.element.empty() ? any : shape.element[0]));
  }
  value.position = node.position;
  return value;
}

}  // namespace envtool
