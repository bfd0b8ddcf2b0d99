#include "config/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <regex>
#include <set>

#include "base/size.h"
#include "base/suggest.h"
#include "base/text.h"
#include "config/scalar.h"

namespace envtool {

bool matches(std::string_view text, const Format& format) {
  constexpr std::size_t longest = 1000;  // std::regex recurses once a character
  if (text.size() > longest) return false;
  static thread_local std::map<std::string_view, std::regex> compiled;
  auto found = compiled.find(format.pattern);
  if (found == compiled.end())
    found =
        compiled.emplace(format.pattern, std::regex(std::string(format.pattern), std::regex::optimize)).first;
  return std::regex_match(text.begin(), text.end(), found->second);
}

namespace {

/// Checks one place; makes others for the places below it.
class Check {
 public:
  Check(Node& node, const Shape& shape, const std::string& path, const Scope& scope)
      : node_(node), shape_(shape), path_(path), scope_(scope) {}

  Check& as_item() {
    is_item_ = true;
    return *this;
  }

  Value run() {
    Value value = typed();
    value.position = node_.position;
    return value;
  }

 private:
  using Kind = Shape::Kind;

  Value wrong(const std::string& text, std::string hint = {}) {
    scope_.problems.add(node_.position, text, std::move(hint));
    return {};
  }
  Value expected(std::string_view what, std::string hint = {}) {
    return wrong(fmt::format("{}'{}' must be {}, found {}", is_item_ ? "an item of " : "", path_, what,
                             node_.describe()),
                 std::move(hint));
  }

  Value typed() {
    switch (shape_.kind) {
      case Kind::list:
        return list();
      case Kind::fixed_map:
        return fixed_map();
      case Kind::free_map:
        return free_map();
      case Kind::any:
        return any(node_);
      default:
        break;
    }
    if (!node_.is_scalar()) return expected(name_of(shape_.kind));
    node_.script = shape_.script;
    if (!expand(node_, shape_.late, scope_)) return {};
    switch (shape_.kind) {
      case Kind::boolean:
        return boolean();
      case Kind::integer:
        return integer();
      case Kind::size:
        return size();
      case Kind::duration:
        return duration();
      case Kind::path:
        return path();
      default:
        return text();
    }
  }

  static std::string_view name_of(Kind kind) {
    switch (kind) {
      case Kind::boolean:
        return "true or false";
      case Kind::integer:
        return "a whole number";
      case Kind::size:
        return "a size such as '2GiB'";
      case Kind::duration:
        return "a duration such as '60s'";
      case Kind::path:
        return "a path";
      case Kind::list:
        return "a list";
      case Kind::fixed_map:
      case Kind::free_map:
        return "a map";
      default:
        return "text";
    }
  }

  Value boolean() {
    const bool is_plain = node_.plain || node_.substituted;
    if (is_plain && node_.text == "true") return true;
    if (is_plain && node_.text == "false") return false;
    const std::string meant = is_plain ? boolean_meant(node_.text) : node_.text + " without quotes";
    return expected("true or false", meant.empty() ? "" : fmt::format("write {}", meant));
  }

  Value integer() {
    if (const auto share = percent()) return std::max<std::int64_t>(1, scope_.names.host_cpus * *share / 100);
    const auto number = parse_integer(node_.text);
    const std::string what =
        shape_.of_host ? "a whole number or a share of the host's such as '50%'" : "a whole number";
    if (!number || !(node_.plain || node_.substituted))
      return expected(what, number ? "write it without quotes" : "");
    if (*number >= shape_.minimum && *number <= shape_.maximum) return *number;
    if (shape_.maximum == std::numeric_limits<std::int64_t>::max())
      return expected(fmt::format("at least {}", shape_.minimum));
    return expected(fmt::format("from {} to {}", shape_.minimum, shape_.maximum));
  }

  Value size() {
    if (const auto share = percent())
      return static_cast<std::int64_t>(scope_.names.host_memory.bytes * static_cast<std::uint64_t>(*share) /
                                       100);
    if (const auto size = ByteSize::parse(node_.text); size && size->bytes > 0)
      return static_cast<std::int64_t>(size->bytes);
    const auto number = parse_integer(node_.text);
    const std::string hint = number && *number > 0
                                 ? fmt::format("did you mean '{}{}'?", *number, *number < 64 ? "GiB" : "MiB")
                                 : "";
    return expected(shape_.of_host ? "a size such as '2GiB' or '25%'" : "a size such as '2GiB'", hint);
  }

  /// "50%" of what the host has.
  std::optional<std::int64_t> percent() const {
    if (!shape_.of_host || !node_.text.ends_with('%')) return std::nullopt;
    const auto share = parse_integer(std::string_view(node_.text).substr(0, node_.text.size() - 1));
    return share && *share >= 1 && *share <= 100 ? share : std::nullopt;
  }

  Value duration() {
    if (const auto milliseconds = parse_duration(node_.text)) return *milliseconds;
    return expected("a duration such as '60s', '5m' or '1h30m'",
                    parse_integer(node_.text) ? fmt::format("did you mean '{}s'?", node_.text) : "");
  }

  Value path() {
    if (node_.text.empty()) return expected("a path");
    node_.text = absolute_path(node_, scope_).string();
    return node_.text;
  }

  Value text() {
    if (node_.late) return LateText{node_.text};
    if (!shape_.choices.empty() && std::ranges::find(shape_.choices, node_.text) == shape_.choices.end())
      return expected("one of " + join(shape_.choices, ", "), did_you_mean(node_.text, shape_.choices));
    if (!shape_.format.pattern.empty() && !matches(node_.text, shape_.format))
      return expected(shape_.format.expected);
    return node_.text;
  }

  Value list() {
    const bool is_list = node_.is_list();
    if (shape_.one_stands_for_list && !is_list) {
      Node item = std::move(node_);
      node_ = Node{.kind = Node::Kind::list, .position = item.position};
      node_.items.push_back(std::move(item));
    }
    if (!node_.is_list())
      return expected(shape_.one_stands_for_list ? "one value or a list" : "a list", how_to_list());
    Value list = Value::list();
    for (Node& item : node_.items) {
      if (item.is_null()) {
        scope_.problems.add(item.position, fmt::format("an item of '{}' is empty", path_));
        continue;
      }
      Check element(item, shape_.element[0], path_, scope_);
      Value value = is_list ? element.as_item().run() : element.run();
      if (!value.is_null()) list.push_back(std::move(value));
    }
    return list;
  }

  /// For whoever wrote what might be an item where a list is expected.
  std::string how_to_list() const {
    const Shape& item = shape_.element[0];
    const bool is_map = item.kind == Kind::fixed_map;
    if (node_.is_scalar() && (!is_map || item.rewrite || !item.shorthand.empty()))
      return fmt::format("write {}: ['{}']", path_.substr(path_.rfind('.') + 1),
                         replace_all(shortened(node_.text), " ", "', '"));
    if (node_.is_map() && is_map) return "a list has '- ' before each item";
    if (!item.exactly_one_of.empty())
      return fmt::format("each item is a map with one of: {}", join(item.exactly_one_of, ", "));
    return {};
  }

  Value free_map() {
    if (!node_.is_map()) return expected("a map");
    Value::Map members;
    for (Entry& entry : node_.entries) {
      if (!shape_.key_format.pattern.empty() && !matches(entry.key, shape_.key_format))
        scope_.problems.add(entry.position,
                            fmt::format("'{}' is not {}", shortened(entry.key), shape_.key_format.expected));
      if (entry.value.is_null() && shape_.element[0].kind != Kind::any) continue;
      members.emplace_back(entry.key,
                           check(entry.value, shape_.element[0], path_ + "." + shortened(entry.key), scope_));
    }
    return Value::map_of(std::move(members));
  }

  Value fixed_map() {
    if (!unfold()) return {};
    if (node_.is_scalar() && !shape_.choices.empty()) return word();
    if (!node_.is_map()) return expected(shape_.shorthand_types.empty() ? "a map" : "text or a map");
    report_unknown_keys();
    Value map = Value::map();
    for (const Field& field : shape_.fields) {
      Node* value = node_.find(field.name);
      if (value && !value->is_null()) {
        Value checked =
            check(*value, field.shape, path_.empty() ? field.name : path_ + "." + field.name, scope_);
        if (!checked.is_null()) map.set(field.name, std::move(checked));
      } else if (field.required) {
        wrong(fmt::format("'{}' is missing in '{}'", field.name, path_));
      } else if (!field.fallback.is_null()) {
        map.set(field.name, field.fallback);
      }
    }
    count_kinds();
    return map;
  }

  /// A text in the place of the map.
  Value word() {
    if (!expand(node_, shape_.late, scope_)) return {};
    if (std::ranges::find(shape_.choices, node_.text) != shape_.choices.end()) return node_.text;
    std::string hint = did_you_mean(node_.text, shape_.choices);
    for (const Field& field : shape_.fields)
      if (std::ranges::find(field.shape.choices, node_.text) != field.shape.choices.end())
        hint = fmt::format("did you mean '{{{}: {}}}'?", field.name, node_.text);
    return expected(fmt::format("one of {}, or a map", join(shape_.choices, ", ")), std::move(hint));
  }

  /// A scalar that stands for the map becomes it.
  bool unfold() {
    if (shape_.rewrite) return shape_.rewrite(node_, scope_);
    if (!node_.is_scalar() || shape_.shorthand.empty()) return true;
    Node value = node_;
    node_ = Node::map(value.position);
    node_.set(shape_.shorthand, std::move(value));
    return true;
  }

  void report_unknown_keys() {
    const std::vector<std::string> known = shape_.keys();
    for (const Entry& entry : node_.entries) {
      if (shape_.field(entry.key) || (shape_.ignores_x && entry.key.starts_with("x-"))) continue;
      has_unknown_ = true;
      std::string hint = place_below(entry.key);
      if (hint.empty()) hint = did_you_mean(entry.key, known);
      if (hint.empty() && known.size() <= 12) hint = "known here: " + join(known, ", ");
      const std::string where = path_.empty() ? "" : fmt::format(" in '{}'", path_);
      scope_.problems.add(entry.position, fmt::format("unknown key '{}'{}", shortened(entry.key), where),
                          hint);
    }
  }

  /// A key of a map that stands beside it here: where it belongs.
  std::string place_below(const std::string& key) const {
    for (const Field& field : shape_.fields) {
      if (!node_.find(field.name) || !field.shape.field(key)) continue;
      const std::string& shorthand = field.shape.shorthand;
      return fmt::format("it belongs into '{0}': {0}: {{{1}{2}: ...}}", field.name,
                         shorthand.empty() ? "" : shorthand + ": ..., ", key);
    }
    return {};
  }

  void count_kinds() {
    if (shape_.exactly_one_of.empty()) return;
    std::vector<std::string> found;
    for (const std::string& key : shape_.exactly_one_of)
      if (const Node* value = node_.find(key); value && !value->is_null()) found.push_back("'" + key + "'");
    // An unknown key is likely to be the one that is missing, and was reported.
    if (found.size() == 1 || (found.empty() && has_unknown_)) return;
    wrong(found.empty() ? fmt::format("'{}' needs one of: {}", path_, join(shape_.exactly_one_of, ", "))
                        : fmt::format("'{}' takes exactly one of {}", path_, join(found, " and ")));
  }

  /// Data as written, in YAML 1.2's types.
  Value any(Node& node) {
    if (!expand(node, shape_.late, scope_)) return {};
    Value value;
    if (node.is_list()) {
      value = Value::list();
      for (Node& item : node.items) value.push_back(any(item));
    } else if (node.is_map()) {
      Value::Map members;
      for (Entry& entry : node.entries) members.emplace_back(entry.key, any(entry.value));
      value = Value::map_of(std::move(members));
    } else if (node.late) {
      value = Value(LateText{node.text});
    } else if (node.is_scalar()) {
      if (const std::string meant = boolean_meant(node.text); node.plain && !meant.empty())
        scope_.problems.add(node.position,
                            fmt::format("'{}' is a boolean to some readers and text to others", node.text),
                            fmt::format("write {}, or quote it", meant));
      value = node.plain ? typed_scalar(node.text) : Value(node.text);
    }
    value.position = node.position;
    return value;
  }

  Node& node_;
  const Shape& shape_;
  const std::string& path_;
  const Scope& scope_;
  bool is_item_ = false;      ///< of the list at that path
  bool has_unknown_ = false;  ///< it has a key that means nothing
};

}  // namespace

Value check(Node& node, const Shape& shape, const std::string& path, const Scope& scope) {
  return Check(node, shape, path, scope).run();
}

}  // namespace envtool
