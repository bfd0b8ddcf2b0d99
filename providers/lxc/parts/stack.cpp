#include "providers/lxc/parts/stack.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

bool among(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

Value text_map(const std::map<std::string, std::string>& pairs) {
  Value value = Value::map();
  for (const auto& [key, text] : pairs) value.set(key, text);
  return value;
}

std::map<std::string, std::string> pairs_in(const Value& value) {
  std::map<std::string, std::string> pairs;
  for (const auto& [key, text] : value.members()) pairs[key] = text.as_text();
  return pairs;
}

bool among(const std::map<std::string, std::string>& pairs, const std::string& text) {
  return std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.second == text; });
}

}  // namespace

const SavedStack* LayerStack::find(const std::string& snapshot) const {
  const auto found = std::find_if(snapshots.begin(), snapshots.end(),
                                  [&](const SavedStack& saved) { return saved.name == snapshot; });
  return found == snapshots.end() ? nullptr : &*found;
}

bool LayerStack::uses(const std::string& layer) const {
  return layer == top || among(layers, layer) || among(disks, layer) ||
         std::any_of(snapshots.begin(), snapshots.end(), [&](const SavedStack& saved) {
           return among(saved.layers, layer) || among(saved.disks, layer);
         });
}

std::string stack_text(const LayerStack& stack) {
  Value snapshots = Value::list();
  for (const SavedStack& saved : stack.snapshots)
    snapshots.push_back(Value::map({{"name", saved.name},
                                    {"when", saved.when},
                                    {"layers", Value::texts(saved.layers)},
                                    {"disks", text_map(saved.disks)},
                                    {"bytes", saved.bytes}}));
  return to_json(Value::map({{"version", 1},
                             {"layers", Value::texts(stack.layers)},
                             {"top", stack.top},
                             {"disks", text_map(stack.disks)},
                             {"snapshots", snapshots},
                             {"next", stack.next}}),
                 2) +
         "\n";
}

LayerStack parse_stack(std::string_view text, const std::string& what) {
  const Value value = parse_json(text, what);
  if (value["version"].as_integer() != 1 || value["top"].as_text().empty())
    throw Error(ErrorKind::failed, fmt::format("'{}' does not say what a machine's disk is made of", what));
  LayerStack stack{.layers = value["layers"].as_texts(),
                   .top = value["top"].as_text(),
                   .disks = pairs_in(value["disks"]),
                   .snapshots = {},
                   .next = static_cast<int>(value["next"].as_integer(1))};
  for (const Value& saved : value["snapshots"].items())
    stack.snapshots.push_back({.name = saved["name"].as_text(),
                               .when = saved["when"].as_text(),
                               .layers = saved["layers"].as_texts(),
                               .disks = pairs_in(saved["disks"]),
                               .bytes = saved["bytes"].as_integer(-1)});
  return stack;
}

LayerStack stack_of(const Layout& layout, const Record& record) {
  const fs::path path = layout.stack(record.name);
  if (const auto text = read_file_if_there(path)) return parse_stack(*text, path.string());
  return {.layers = {}, .top = record.storage == Storage::overlay ? "upper" : "rootfs", .snapshots = {}};
}

std::string work_of(const std::string& top) { return top == "upper" ? "work" : top + ".work"; }

bool is_snapshot_name(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (name.empty() || name.size() > 64 || !plain(name.front())) return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return plain(c) || c == '-' || c == '_' || c == '.'; });
}

}  // namespace envtool::lxc
