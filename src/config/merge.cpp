#include "config/merge.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "config/check.h"

namespace envtool {

namespace {

/// What an item of a list is recognised by; empty where it has no name.
struct ItemKey {
  std::string text;  ///< "guest port 80/tcp"
  std::string bind;  ///< of a port; empty when the item does not say
};

std::string key_text(Node& item, std::string_view key, const Scope& scope) {
  Node* value = item.find(key);
  if (!value || !value->is_scalar()) return {};
  expand(*value, Late::never, scope);
  return value->text;
}

ItemKey key_of(Node& item, MergeBy by, const Scope& scope) {
  switch (by) {
    case MergeBy::port: {
      const std::string guest = key_text(item, "guest", scope);
      const std::string protocol = key_text(item, "protocol", scope);
      if (guest.empty()) return {};
      return {fmt::format("guest port {}/{}", guest, protocol.empty() ? "tcp" : protocol),
              key_text(item, "bind", scope)};
    }
    case MergeBy::guest: {
      std::string guest = key_text(item, "guest", scope);
      while (guest.size() > 1 && guest.ends_with('/')) guest.pop_back();
      return {guest.empty() ? guest : fmt::format("'{}'", guest), {}};
    }
    default: {
      const std::string name = key_text(item, "name", scope);
      return {name.empty() ? name : fmt::format("'{}'", name), {}};
    }
  }
}

std::string bind_of(const ItemKey& key) { return key.bind.empty() ? "127.0.0.1" : key.bind; }

/// Takes `disabled` off the item and says what it was.
bool take_disabled(Node& item, const Scope& scope) {
  Node* disabled = item.find("disabled");
  if (!disabled) return false;
  static const Shape boolean{.kind = Shape::Kind::boolean};
  const bool is_disabled = check(*disabled, boolean, "disabled", scope).as_bool();
  item.erase("disabled");
  return is_disabled;
}

/// One list over another, item by item.
class ListMerge {
 public:
  ListMerge(Node& base, const Shape& shape, const Scope& scope) : base_(base), shape_(shape), scope_(scope) {
    for (std::size_t at = 0; at < base_.items.size(); ++at)
      index_.emplace(key_of(base_.items[at], shape_.merge_by, scope_).text, at);
  }

  void add(Node item) {
    const Shape& element = shape_.element[0];
    if (element.rewrite && !element.rewrite(item, scope_)) return;
    if (item.is_null()) return scope_.problems.add(item.position, "an item of this list is empty");
    if (!item.is_map()) {
      base_.items.push_back(std::move(item));
      return;
    }
    const ItemKey key = key_of(item, shape_.merge_by, scope_);
    if (!key.text.empty() && !seen_.insert(key.text + " " + bind_of(key)).second)
      scope_.problems.add(item.position, fmt::format("{} is written twice in this list", key.text));
    const bool is_disabled = take_disabled(item, scope_);
    if (Node* inherited = find(key))
      override_item(*inherited, std::move(item), is_disabled);
    else if (!is_disabled)
      base_.items.push_back(std::move(item));
  }

  void finish() {
    std::erase_if(base_.items, [](const Node& item) { return item.is_null(); });
  }

 private:
  Node* find(const ItemKey& key) {
    const auto [begin, end] = index_.equal_range(key.text);
    if (key.text.empty() || begin == end) return nullptr;
    // A port that does not say where it is bound means the only one there is.
    if (key.bind.empty() && std::next(begin) == end) return &base_.items[begin->second];
    for (auto each = begin; each != end; ++each) {
      Node& item = base_.items[each->second];
      if (item.is_map() && bind_of(key_of(item, shape_.merge_by, scope_)) == bind_of(key)) return &item;
    }
    return nullptr;
  }

  void override_item(Node& inherited, Node item, bool is_disabled) {
    // Emptied, not erased: positions of the others stay.
    if (is_disabled)
      inherited = Node{};
    else if (shape_.element[0].replaced_whole)
      inherited = std::move(item);
    else
      merge_layer(inherited, std::move(item), shape_.element[0], scope_);
  }

  Node& base_;
  const Shape& shape_;
  const Scope& scope_;
  std::multimap<std::string, std::size_t> index_;
  std::set<std::string> seen_;
};

void merge_list(Node& base, Node overlay, const Shape& shape, const Scope& scope) {
  if (base.is_map() || base.is_scalar()) return;  // it is no list, and found to be wrong as it stands
  const bool drops_all = overlay.items.empty();
  if (!base.is_list() || drops_all) base = Node{.kind = Node::Kind::list, .position = overlay.position};
  ListMerge merge(base, shape, scope);
  for (Node& item : overlay.items) merge.add(std::move(item));
  merge.finish();
}

const Shape* shape_below(const Shape& shape, const std::string& key) {
  static const Shape unknown{.kind = Shape::Kind::any};
  if (shape.kind == Shape::Kind::free_map) return &shape.element[0];
  const Field* field = shape.field(key);
  return field ? &field->shape : &unknown;
}

void merge_map(Node& base, Node overlay, const Shape& shape, const Scope& scope) {
  if (!base.is_map()) base = Node::map(overlay.position);
  std::map<std::string_view, std::size_t> inherited;
  for (std::size_t at = 0; at < base.entries.size(); ++at) inherited.emplace(base.entries[at].key, at);
  std::vector<Entry> added;
  std::set<std::string> removed;
  for (Entry& entry : overlay.entries) {
    const auto known = inherited.find(entry.key);
    if (known == inherited.end()) {
      Entry fresh{entry.key, entry.position, {}};
      merge_layer(fresh.value, std::move(entry.value), *shape_below(shape, entry.key), scope);
      added.push_back(std::move(fresh));
    } else if (entry.value.is_null()) {
      removed.insert(entry.key);
    } else {
      Entry& present = base.entries[known->second];
      present.position = entry.position;
      merge_layer(present.value, std::move(entry.value), *shape_below(shape, entry.key), scope);
    }
  }
  inherited.clear();
  std::erase_if(base.entries, [&](const Entry& entry) { return removed.contains(entry.key); });
  for (Entry& entry : added) base.entries.push_back(std::move(entry));
}

}  // namespace

void merge_layer(Node& base, Node overlay, const Shape& shape, const Scope& scope) {
  if (overlay.is_list() && shape.merge_by != MergeBy::replace)
    merge_list(base, std::move(overlay), shape, scope);
  else if (overlay.is_map())
    merge_map(base, std::move(overlay), shape, scope);
  else
    base = std::move(overlay);
}

}  // namespace envtool
