#pragma once

#include <string>

#include "base/value.h"

namespace envtool {

/// A member of a JSON document that was read from a server: checks what it finds and names the place of what
/// is wrong ("'https://x/y': versions[2].providers[0].url: expected text, found a number").
class Element {
 public:
  Element(const Value& value, std::string what) : value_(&value), what_(std::move(what)) {}

  const Value& value() const { return *value_; }
  bool is_there() const { return !value_->is_null(); }
  Element operator[](const std::string& key) const;
  /// Its items; an empty list when it is not there. Throws Error(failed) when it is no list.
  std::vector<Element> items() const;
  /// Its members by name; none when it is not there. Throws Error(failed) when it is no map.
  std::vector<std::pair<std::string, Element>> members() const;
  /// Its text; empty when it is not there. Throws Error(failed) when it is something else.
  const std::string& text() const;
  /// The same, but throws when it is missing or empty.
  const std::string& needed_text() const;
  /// Throws Error(failed) when it is there and no number of bytes.
  std::uint64_t size() const;
  [[noreturn]] void fail(const std::string& why) const;

 private:
  const Value* value_;
  std::string what_, place_ = {};
};

/// Where the URL leads that a document at `base` names: as it is, or below the base's server or directory.
/// `base` is an http(s) URL or the absolute path of a local file. Throws at `element` for what is no address,
/// and for a server's document that names a file of this host.
std::string resolve_url(const std::string& base, const Element& element);

}  // namespace envtool
