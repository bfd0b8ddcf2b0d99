#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/value.h"

namespace envtool {

namespace {

using Json = nlohmann::ordered_json;
constexpr int depth_limit = 100;

Json to_library(const Value& value) {
  if (value.is_bool()) return value.as_bool();
  if (value.is_integer()) return value.as_integer();
  if (value.is_real()) return value.as_real();
  if (value.is_text() || value.is_late()) return value.as_text();
  if (value.is_list()) {
    Json list = Json::array();
    for (const Value& item : value.items()) list.push_back(to_library(item));
    return list;
  }
  if (value.is_map()) {
    Json map = Json::object();
    for (const auto& [key, member] : value.members()) map[key] = to_library(member);
    return map;
  }
  return nullptr;
}

/// Builds a Value from the parser's events, so that no nesting is followed deeper than the limit.
class Builder : public nlohmann::json_sax<Json> {
 public:
  explicit Builder(std::string_view what) : what_(what) {}

  bool null() override { return add(Value()); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(static_cast<std::int64_t>(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > INT64_MAX) return add(static_cast<double>(value));
    return add(static_cast<std::int64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Value::map()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Value::list()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    keys_.back() = std::move(name);
    return true;
  }
  bool parse_error(std::size_t at, const std::string&, const nlohmann::detail::exception&) override {
    throw Error(ErrorKind::failed, fmt::format("{}: not valid JSON at byte {}", what_, at));
  }

  Value take() { return std::move(root_); }

 private:
  bool open(Value container) {
    if (stack_.size() >= depth_limit)
      throw Error(ErrorKind::failed,
                  fmt::format("{}: JSON nested deeper than {} levels", what_, depth_limit));
    stack_.push_back(std::move(container));
    keys_.emplace_back();
    return true;
  }

  bool close() {
    Value done = std::move(stack_.back());
    stack_.pop_back();
    keys_.pop_back();
    return add(std::move(done));
  }

  bool add(Value value) {
    if (stack_.empty())
      root_ = std::move(value);
    else if (stack_.back().is_list())
      stack_.back().push_back(std::move(value));
    else
      stack_.back().set(keys_.back(), std::move(value));
    return true;
  }

  std::string_view what_;
  Value root_;
  std::vector<Value> stack_;
  std::vector<std::string> keys_;
};

}  // namespace

std::string to_json(const Value& value, int indent) {
  return to_library(value).dump(indent, ' ', false, Json::error_handler_t::replace);
}

Value parse_json(std::string_view text, std::string_view what) {
  Builder builder(what);
  Json::sax_parse(text, &builder);
  return builder.take();
}

}  // namespace envtool
