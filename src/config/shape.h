#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "base/value.h"
#include "config/options.h"
#include "config/scope.h"

namespace envtool {

struct Field;

/// A rule for texts, the same for validation and for the JSON Schema.
struct Format {
  std::string_view expected;  ///< "a MAC address such as '52:54:00:aa:bb:cc'"
  std::string_view pattern;   ///< ECMAScript, for the whole text
};

/// What makes two items of a list the same in different layers.
enum class MergeBy { replace, port, guest, name };

/// What may stand at a place in the Envfile. The tables made of these validate, merge and print the schema.
struct Shape {
  enum class Kind { boolean, integer, text, size, duration, path, list, fixed_map, free_map, any };

  Kind kind = Kind::text;
  std::string summary = {};
  Late late = Late::never;
  bool script = false;   ///< text that is never expanded
  bool of_host = false;  ///< an integer or a size that may also be "50%" of what the host has
  std::int64_t minimum = std::numeric_limits<std::int64_t>::min();
  std::int64_t maximum = std::numeric_limits<std::int64_t>::max();
  std::vector<std::string> choices = {};
  Format format = {};

  /// Of a list's items or a free map's values: one shape.
  std::vector<Shape> element = {};
  bool one_stands_for_list = false;
  MergeBy merge_by = MergeBy::replace;
  Format key_format = {};  ///< of a free map's keys

  /// Of a fixed map.
  std::vector<Field> fields;
  std::vector<std::string> exactly_one_of = {};  ///< groups of keys that exclude each other
  bool replaced_whole = false;                   ///< as an item of a merged list
  bool ignores_x = false;                        ///< keys beginning with `x-` are left alone
  /// A scalar in place of the map is one of `choices` and stays as it is, means this key, or is taken apart
  /// by `rewrite`.
  std::string shorthand = {};
  bool (*rewrite)(Node& item, const Scope& scope) = nullptr;
  std::vector<std::string> shorthand_types = {};  ///< JSON Schema types of what may stand for the map

  const Field* field(std::string_view name) const;
  std::vector<std::string> keys() const;
};

struct Field {
  std::string name;
  Shape shape;
  bool required = false;
  Value fallback = {};
};

/// The shape of a plugin's option, and of the map of all of its options.
Shape shape_of(const OptionSpec& option);
Shape shape_of(const PluginSchema& plugin);

}  // namespace envtool
