#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace envtool {

struct Entry;

/// A place in an Envfile's tree, still untyped: what YAML says and where, aliases and `<<` already resolved.
/// A value type. Maps keep the order of the file and hold each key once.
struct Node {
  enum class Kind { null, scalar, list, map };

  Kind kind = Kind::null;
  std::string text;          ///< of a scalar, as written; after expansion, as expanded
  bool plain = true;         ///< not quoted, so its type may be other than text
  bool broken = false;       ///< a reference in it could not be resolved, which was reported
  bool expanded = false;     ///< references are resolved; `text` is final
  bool substituted = false;  ///< a reference was replaced, so that quotes were needed whatever the type
  bool varies = false;       ///< a reference to the machine itself was in it
  bool late = false;         ///< `text` still holds references, with `$$` for a dollar sign
  bool script = false;       ///< a program: never expanded
  std::vector<Node> items;
  std::vector<Entry> entries;
  SourcePosition position;

  static Node scalar(std::string text, const SourcePosition& position);
  static Node map(const SourcePosition& position);

  bool is_null() const { return kind == Kind::null; }
  bool is_scalar() const { return kind == Kind::scalar; }
  bool is_list() const { return kind == Kind::list; }
  bool is_map() const { return kind == Kind::map; }

  /// The value of that key, or null when there is none or this is no map.
  const Node* find(std::string_view key) const;
  Node* find(std::string_view key);
  const Entry* find_entry(std::string_view key) const;
  /// Sets the key's value in place, or appends it.
  void set(const std::string& key, Node value);
  void erase(std::string_view key);
  /// This node and all below.
  std::size_t count() const;
  /// For messages: "'abc'", "a list", "a map", "nothing".
  std::string describe() const;
};

struct Entry {
  std::string key;
  SourcePosition position;  ///< of the key
  Node value;
};

/// At most 60 bytes of the text, cut between characters, for messages.
std::string shortened(std::string_view text);

}  // namespace envtool
