#include "boxes/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace envtool {

namespace {

bool is_web(std::string_view url) { return url.starts_with("http://") || url.starts_with("https://"); }

/// "https://host" of "https://host/a/b".
std::string_view origin_of(std::string_view url) {
  const auto end = url.find('/', url.find("://") + 3);
  return url.substr(0, end);
}

std::string_view directory_of(std::string_view url) {
  const std::string_view origin = origin_of(url);
  const std::string_view path = url.substr(0, url.find_first_of("?#"));
  const auto slash = path.rfind('/');
  return slash < origin.size() || slash == std::string_view::npos ? origin : path.substr(0, slash);
}

bool has_scheme(std::string_view url) { return url.find("://") != std::string_view::npos; }

}  // namespace

Element Element::operator[](const std::string& key) const {
  if (is_there() && !value_->is_map()) fail(fmt::format("expected a map, found {}", value_->kind_name()));
  Element member((*value_)[key], what_);
  member.place_ = place_.empty() ? key : place_ + "." + key;
  return member;
}

std::vector<Element> Element::items() const {
  if (is_there() && !value_->is_list()) fail(fmt::format("expected a list, found {}", value_->kind_name()));
  std::vector<Element> items;
  for (const Value& item : value_->items()) {
    items.emplace_back(item, what_);
    items.back().place_ = fmt::format("{}[{}]", place_, items.size() - 1);
  }
  return items;
}

std::vector<std::pair<std::string, Element>> Element::members() const {
  if (is_there() && !value_->is_map()) fail(fmt::format("expected a map, found {}", value_->kind_name()));
  std::vector<std::pair<std::string, Element>> members;
  for (const auto& [key, value] : value_->members()) {
    members.emplace_back(key, Element(value, what_));
    members.back().second.place_ = place_.empty() ? key : place_ + "." + key;
  }
  return members;
}

const std::string& Element::text() const {
  if (is_there() && !value_->is_text()) fail(fmt::format("expected text, found {}", value_->kind_name()));
  return value_->as_text();
}

const std::string& Element::needed_text() const {
  if (!is_there()) fail("is missing");
  if (text().empty()) fail("is empty");
  return text();
}

std::uint64_t Element::size() const {
  if (!is_there()) return 0;
  if (!value_->is_integer() || value_->as_integer() < 0) fail("expected a number of bytes");
  return static_cast<std::uint64_t>(value_->as_integer());
}

void Element::fail(const std::string& why) const {
  throw Error(ErrorKind::failed, place_.empty() ? fmt::format("{}: {}", what_, why)
                                                : fmt::format("{}: {}: {}", what_, place_, why));
}

std::string resolve_url(const std::string& base, const Element& element) {
  const std::string& url = element.needed_text();
  if (std::any_of(url.begin(), url.end(),
                  [](char c) { return static_cast<unsigned char>(c) <= ' ' || c == 127; }))
    element.fail("is no address: it has blanks or control characters");
  if (is_web(url)) {
    const std::string_view authority = origin_of(url).substr(url.find("://") + 3);
    if (authority.empty() || authority.find('@') != std::string_view::npos)
      element.fail("is no address of a server, or has a password in it");
    return url;
  }
  if (is_web(base)) {
    if (has_scheme(url)) element.fail(fmt::format("'{}' is neither http nor https", url));
    if (url.starts_with("//")) element.fail(fmt::format("'{}' is no address", url));
    return url.starts_with('/') ? std::string(origin_of(base)) + url
                                : fmt::format("{}/{}", directory_of(base), url);
  }
  const bool is_file = url.starts_with("file:///");
  if (has_scheme(url) && !is_file)
    element.fail(fmt::format("'{}' is neither http nor https nor a file", url));
  const std::filesystem::path path = is_file ? url.substr(7) : url;
  return "file://" + (std::filesystem::path(base).parent_path() / path).lexically_normal().string();
}

}  // namespace envtool
