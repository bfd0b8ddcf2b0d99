#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace envtool {

/// Text that still holds references known only later: `${machine.ip}`, `${secret.K}`. In it `$$` is a dollar
/// sign; config/late.h expands it.
struct LateText {
  std::string text;
  bool operator==(const LateText&) const = default;
};

/// A tree of data: what an Envfile's free parts (`vars`, options) and every JSON document are in this
/// program. A value type; maps keep the order in which their keys were set, and hold each key once.
class Value {
 public:
  using List = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Map = std::vector<Member>;

  Value() = default;
  Value(bool value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(LateText value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  static Value list() { return Value(List{}); }
  /// A list of texts.
  static Value texts(const std::vector<std::string>& texts) {
    return Value(List(texts.begin(), texts.end()));
  }
  static Value map();
  static Value map(std::initializer_list<Member> members);
  /// REQUIRES: no key twice. For large maps, where `set` would look at every member each time.
  static Value map_of(Map members);

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }
  bool is_bool() const { return std::holds_alternative<bool>(data_); }
  bool is_integer() const { return std::holds_alternative<std::int64_t>(data_); }
  bool is_real() const { return std::holds_alternative<double>(data_); }
  bool is_text() const { return std::holds_alternative<std::string>(data_); }
  bool is_late() const { return std::holds_alternative<LateText>(data_); }
  bool is_list() const { return std::holds_alternative<List>(data_); }
  bool is_map() const { return std::holds_alternative<Map>(data_); }
  /// "a list", "a number": for messages that say what was found.
  std::string_view kind_name() const;

  /// These give the content, or the fallback when the value is of another kind. `as_real` also takes
  /// integers.
  bool as_bool(bool fallback = false) const;
  std::int64_t as_integer(std::int64_t fallback = 0) const;
  double as_real(double fallback = 0) const;
  /// The text, also of a LateText; an empty one for other kinds.
  const std::string& as_text() const;
  /// Empty for other kinds.
  const List& items() const;
  const Map& members() const;
  /// The items of a list as texts, items of other kinds left out; a single text is a list of one.
  std::vector<std::string> as_texts() const;

  /// The member of that name, or a null value when there is none or this is no map. Never throws.
  const Value& operator[](std::string_view key) const;
  bool has(std::string_view key) const;
  /// Sets a member in place, or appends it; a null value becomes a map first.
  Value& set(std::string key, Value value);
  void erase(std::string_view key);
  /// Appends; a null value becomes a list first.
  Value& push_back(Value value);

  /// Where it was written, when it came from a file. Not part of equality.
  SourcePosition position;

  bool operator==(const Value& other) const { return data_ == other.data_; }

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, LateText, List, Map> data_;
};

/// Compact JSON, or indented by that many spaces. Text that is not UTF-8 is replaced byte by byte with
/// U+FFFD. A LateText is written as its text.
std::string to_json(const Value& value, int indent = -1);

/// Throws Error(failed) naming `what` (a file, an address) when the text is not one JSON document or is
/// nested deeper than 100 levels.
Value parse_json(std::string_view text, std::string_view what);

}  // namespace envtool
