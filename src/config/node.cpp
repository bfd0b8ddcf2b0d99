#include "config/node.h"

#include <algorithm>
#include <utility>

namespace envtool {

Node Node::scalar(std::string text, const SourcePosition& position) {
  Node node;
  node.kind = Kind::scalar;
  node.text = std::move(text);
  node.position = position;
  return node;
}

Node Node::map(const SourcePosition& position) {
  Node node;
  node.kind = Kind::map;
  node.position = position;
  return node;
}

const Entry* Node::find_entry(std::string_view key) const {
  const auto entry =
      std::find_if(entries.begin(), entries.end(), [&](const Entry& each) { return each.key == key; });
  return entry == entries.end() ? nullptr : &*entry;
}

const Node* Node::find(std::string_view key) const {
  const Entry* entry = find_entry(key);
  return entry ? &entry->value : nullptr;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

void Node::set(const std::string& key, Node value) {
  if (Node* present = find(key)) {
    *present = std::move(value);
    return;
  }
  const SourcePosition place = value.position;
  entries.push_back({key, place, std::move(value)});
}

void Node::erase(std::string_view key) {
  std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; });
}

std::size_t Node::count() const {
  std::size_t number = 1;
  for (const Node& item : items) number += item.count();
  for (const Entry& entry : entries) number += entry.value.count();
  return number;
}

std::string Node::describe() const {
  switch (kind) {
    case Kind::null:
      return "nothing";
    case Kind::list:
      return "a list";
    case Kind::map:
      return "a map";
    case Kind::scalar:
      break;
  }
  return "'" + shortened(text) + "'";
}

std::string shortened(std::string_view text) {
  constexpr std::size_t limit = 60;
  std::string out(text.substr(0, limit));
  if (text.size() > limit) {
    while (!out.empty() && (static_cast<unsigned char>(text[out.size()]) & 0xC0) == 0x80) out.pop_back();
    out += "...";
  }
  std::replace(out.begin(), out.end(), '\n', ' ');
  return out;
}

}  // namespace envtool
