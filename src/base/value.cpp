#include "base/value.h"

#include <algorithm>

namespace envtool {

namespace {

const Value null_value;
const std::string empty_text;
const Value::List empty_list;
const Value::Map empty_map;

auto find_member(const Value::Map& map, std::string_view key) {
  return std::find_if(map.begin(), map.end(),
                      [&](const Value::Member& member) { return member.first == key; });
}

}  // namespace

Value Value::map() {
  Value value;
  value.data_ = Map{};
  return value;
}

Value Value::map(std::initializer_list<Member> members) {
  Value value = map();
  for (const Member& member : members) value.set(member.first, member.second);
  return value;
}

Value Value::map_of(Map members) {
  Value value;
  value.data_ = std::move(members);
  return value;
}

std::string_view Value::kind_name() const {
  static constexpr std::string_view names[] = {"nothing", "a boolean", "a number", "a number",
                                               "text",    "text",      "a list",   "a map"};
  return names[data_.index()];
}

bool Value::as_bool(bool fallback) const {
  const bool* content = std::get_if<bool>(&data_);
  return content ? *content : fallback;
}

std::int64_t Value::as_integer(std::int64_t fallback) const {
  const std::int64_t* content = std::get_if<std::int64_t>(&data_);
  return content ? *content : fallback;
}

double Value::as_real(double fallback) const {
  if (const double* content = std::get_if<double>(&data_)) return *content;
  return is_integer() ? static_cast<double>(as_integer()) : fallback;
}

const std::string& Value::as_text() const {
  if (const std::string* content = std::get_if<std::string>(&data_)) return *content;
  if (const LateText* content = std::get_if<LateText>(&data_)) return content->text;
  return empty_text;
}

const Value::List& Value::items() const {
  const List* content = std::get_if<List>(&data_);
  return content ? *content : empty_list;
}

const Value::Map& Value::members() const {
  const Map* content = std::get_if<Map>(&data_);
  return content ? *content : empty_map;
}

std::vector<std::string> Value::as_texts() const {
  if (is_text()) return {as_text()};
  std::vector<std::string> texts;
  for (const Value& item : items())
    if (item.is_text()) texts.push_back(item.as_text());
  return texts;
}

const Value& Value::operator[](std::string_view key) const {
  const auto member = find_member(members(), key);
  return member == members().end() ? null_value : member->second;
}

bool Value::has(std::string_view key) const { return find_member(members(), key) != members().end(); }

Value& Value::set(std::string key, Value value) {
  if (is_null()) data_ = Map{};
  Map& map = std::get<Map>(data_);
  for (Member& member : map) {
    if (member.first != key) continue;
    member.second = std::move(value);
    return *this;
  }
  map.emplace_back(std::move(key), std::move(value));
  return *this;
}

void Value::erase(std::string_view key) {
  if (Map* map = std::get_if<Map>(&data_))
    std::erase_if(*map, [&](const Member& member) { return member.first == key; });
}

Value& Value::push_back(Value value) {
  if (is_null()) data_ = List{};
  std::get<List>(data_).push_back(std::move(value));
  return *this;
}

}  // namespace envtool
