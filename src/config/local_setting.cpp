#include "config/local_setting.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/yaml.h"

namespace envtool {

namespace {

using Keys = std::vector<std::string>;

/// "a:\n  b: value\n" with every line behind that many blanks.
std::string block_lines(const Keys& keys, std::size_t from, const std::string& value, std::size_t indent) {
  std::string lines;
  for (std::size_t i = from; i < keys.size(); ++i) {
    lines += std::string(indent, ' ') + keys[i] + ":" + (i + 1 == keys.size() ? " " + value : "") + "\n";
    indent += 2;
  }
  return lines;
}

/// "a: {b: value}"
std::string flow_text(const Keys& keys, std::size_t from, const std::string& value) {
  if (from + 1 == keys.size()) return keys[from] + ": " + value;
  return keys[from] + ": {" + flow_text(keys, from + 1, value) + "}";
}

/// Where that place of the source is in its text.
std::size_t offset_of(const SourcePosition& position) {
  const std::string& text = position.source->text;
  std::size_t offset = 0;
  for (int line = 1; line < position.line; ++line) offset = text.find('\n', offset) + 1;
  return offset + static_cast<std::size_t>(position.column) - 1;
}

/// Adds what the map lacks of the keys, before its first entry. Nothing when it is not written plainly.
std::optional<std::string> insert_into(const Node& map, const Keys& keys, std::size_t from,
                                       const std::string& value) {
  std::string text = map.position.source->text;
  const std::size_t place = offset_of(map.position);
  if (place >= text.size()) return std::nullopt;
  if (text[place] == '{')
    return text.insert(place + 1, flow_text(keys, from, value) + (map.entries.empty() ? "" : ", "));
  const std::size_t line =
      text.rfind('\n', place) == std::string::npos || place == 0 ? 0 : text.rfind('\n', place - 1) + 1;
  const std::size_t indent = place - line;
  if (text.find_first_not_of(' ', line) != place) return std::nullopt;
  return text.insert(line, block_lines(keys, from, value, indent));
}

/// Puts the value in the place of a plain scalar.
std::optional<std::string> replace_scalar(const Node& old, const std::string& value) {
  std::string text = old.position.source->text;
  const std::size_t place = offset_of(old.position);
  const std::size_t quotes = old.plain ? 0 : 1;
  const std::size_t length = old.text.size() + 2 * quotes;
  if (place + length > text.size() || text.compare(place + quotes, old.text.size(), old.text) != 0)
    return std::nullopt;
  return text.replace(place, length, value);
}

/// What the tree is to be afterwards.
void set_in(Node& node, const Keys& keys, std::size_t from, const std::string& value) {
  if (from == keys.size()) {
    node = Node::scalar(value, {});
    return;
  }
  if (!node.is_map()) node = Node::map({});
  if (!node.find(keys[from])) node.set(keys[from], Node());
  set_in(*node.find(keys[from]), keys, from + 1, value);
}

bool same(const Node& one, const Node& other) {
  if (one.kind != other.kind || one.text != other.text || one.items.size() != other.items.size() ||
      one.entries.size() != other.entries.size())
    return false;
  for (std::size_t i = 0; i < one.items.size(); ++i)
    if (!same(one.items[i], other.items[i])) return false;
  return std::all_of(one.entries.begin(), one.entries.end(), [&](const Entry& entry) {
    const Node* twin = other.find(entry.key);
    return twin && same(entry.value, *twin);
  });
}

std::optional<Node> parse(const std::string& text, const std::string& what) {
  Diagnostics problems;
  auto root = parse_yaml(std::make_shared<SourceText>(SourceText{what, text}), problems);
  return problems.count() == 0 ? std::move(root) : std::nullopt;
}

/// In a flow map a comma would end it.
std::string written(const std::string& value) {
  return value.find(',') == std::string::npos ? value : '"' + value + '"';
}

std::optional<std::string> edit(const Node& root, const std::string& text, const Keys& keys,
                                const std::string& value) {
  if (root.is_null()) {
    const bool ends_line = text.empty() || text.ends_with('\n');
    return text + (ends_line ? "" : "\n") + block_lines(keys, 0, value, 0);
  }
  const Node* node = &root;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!node->is_map()) return std::nullopt;
    const Node* next = node->find(keys[i]);
    if (!next) return insert_into(*node, keys, i, value);
    node = next;
  }
  return node->is_scalar() ? replace_scalar(*node, value) : std::nullopt;
}

}  // namespace

std::string with_setting(const std::string& text, const Keys& keys, const std::string& value,
                         const std::string& what) {
  if (const auto root = parse(text, what)) {
    Node wanted = *root;
    set_in(wanted, keys, 0, value);
    const auto edited = edit(*root, text, keys, written(value));
    const auto found = edited ? parse(*edited, what) : std::nullopt;
    // Whatever YAML allows that was not thought of here shows as a tree that is not the wanted one.
    if (found && same(*found, wanted)) return *edited;
  }
  throw Error(ErrorKind::failed, fmt::format("cannot put '{}' into '{}' without touching more of it",
                                             flow_text(keys, 0, value), what))
      .with_hint(fmt::format("write it there yourself:\n{}", block_lines(keys, 0, value, 2)));
}

}  // namespace envtool
