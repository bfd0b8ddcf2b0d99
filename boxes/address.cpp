#include "boxes/address.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/error.h"
#include "base/suggest.h"
#include "base/text.h"
#include "boxes/recipes/debian.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view supported_hint =
    "a box is 'images:debian/12', a name in a catalog ('owner/name@~> 4.3'), the path or URL of a '.box' "
    "file, "
    "or is made here by 'build:debian/bookworm'";

Error refused(const BoxConfig& box, ErrorKind kind, std::string text) {
  Error error(kind, std::move(text));
  error.at(box.position).with_hint(std::string(supported_hint));
  return error;
}

bool is_web_address(std::string_view name) {
  return name.starts_with("http://") || name.starts_with("https://");
}

/// Boxes, disk images and archives of root file systems, by how such files are called.
bool is_file_name(std::string_view name) {
  constexpr std::string_view endings[] = {".box", ".qcow2", ".img", ".tar", ".tar.gz", ".tar.xz", ".tar.zst"};
  return std::any_of(std::begin(endings), std::end(endings),
                     [name](std::string_view ending) { return name.ends_with(ending); });
}

bool is_path(std::string_view name) {
  return name.starts_with('/') || name.starts_with("./") || name.starts_with("../") ||
         name.starts_with("~/") || is_file_name(name);
}

/// Whether it reads as "word:rest" with a scheme that nobody knows.
bool has_scheme(std::string_view name) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const auto scheme = name.substr(0, colon);
  return std::all_of(scheme.begin(), scheme.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Keys of the long form that this address has no use for are refused, not ignored.
void refuse_keys(const BoxConfig& box, std::string_view why) {
  const std::pair<std::string_view, const std::string*> keys[] = {
      {"version", &box.version}, {"url", &box.url}, {"architecture", &box.architecture}};
  for (const auto& [key, value] : keys)
    if (!value->empty())
      throw refused(box, ErrorKind::bad_envfile, fmt::format("box '{}': '{}' {}", box.name, key, why));
}

RecipeAddress recipe_address(const BoxConfig& box) {
  const std::string recipe = box.name.substr(std::string_view("build:").size());
  const auto known = debian_recipes();
  if (std::find(known.begin(), known.end(), recipe) == known.end()) {
    Error error(ErrorKind::bad_envfile, fmt::format("box '{}': there is no recipe '{}'", box.name, recipe));
    const auto near = did_you_mean(recipe, known);
    error.at(box.position).with_hint(near.empty() ? std::string(supported_hint) : near);
    throw error;
  }
  refuse_keys(box, "does not go with a recipe");
  if (!box.checksum.empty())
    throw refused(box, ErrorKind::bad_envfile,
                  fmt::format("box '{}': 'checksum' does not go with a recipe", box.name));
  return {recipe};
}

WebAddress web_address(const BoxConfig& box, const std::string& url) {
  for (const auto& [key, value] : {std::pair("version", &box.version), {"architecture", &box.architecture}})
    if (!value->empty())
      throw refused(box, ErrorKind::bad_envfile,
                    fmt::format("box '{}': '{}' does not go with a file of a server", box.name, key));
  const std::string_view rest = std::string_view(url).substr(url.find("://") + 3);
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.find('@') != std::string_view::npos) {
    // Not shown: it may hold a password.
    Error error(ErrorKind::bad_envfile, "a box's address may hold no user or password");
    error.at(box.position).with_hint("put them into ~/.netrc");
    throw error;
  }
  if (host.empty() || url.find_first_of(" \t\r\n") != std::string::npos)
    throw refused(box, ErrorKind::bad_envfile, fmt::format("box '{}': '{}' is no address", box.name, url));
  return {url};
}

/// A catalog that is named by where it is.
bool is_document(std::string_view address) { return address.ends_with(".json"); }

fs::path local_path(const BoxConfig& box, const fs::path& home) {
  std::string_view name = box.name;
  if (name.starts_with("file://")) {
    name.remove_prefix(std::string_view("file://").size());
    if (!name.starts_with('/'))
      throw refused(box, ErrorKind::bad_envfile,
                    fmt::format("box '{}': a 'file://' address needs an absolute path", box.name));
  }
  if (name.starts_with("~/")) return (home / name.substr(2)).lexically_normal();
  return (box.base_directory / name).lexically_normal();
}

/// "owner/name@~> 4.3", "images:debian/12", "mine".
NamedAddress named_address(const BoxConfig& box) {
  const auto at = box.name.find('@');
  NamedAddress address{.name = box.name.substr(0, at), .version = box.version};
  if (at != std::string::npos) {
    if (!box.version.empty())
      throw refused(box, ErrorKind::bad_envfile,
                    fmt::format("box '{}': the version is named twice", box.name));
    address.version = trim(std::string_view(box.name).substr(at + 1));
  }
  if (!box.checksum.empty())
    throw refused(
        box, ErrorKind::bad_envfile,
        fmt::format("box '{}': 'checksum' does not go with a name; Envfile.lock keeps it", box.name));
  std::string_view name = address.name;
  if (name.starts_with("images:")) {
    address.kind = NamedAddress::Kind::image;
    name.remove_prefix(std::string_view("images:").size());
  } else if (name.find('/') == std::string_view::npos) {
    address.kind = NamedAddress::Kind::own;
  }
  const auto parts = split(name, '/');
  const bool is_known_form = address.kind == NamedAddress::Kind::image || parts.size() <= 2;
  const bool is_plain = std::all_of(parts.begin(), parts.end(), [](const std::string& part) {
    return !part.empty() && part != "." && part != ".." &&
           std::all_of(part.begin(), part.end(), [](unsigned char c) {
             return std::isalnum(c) || c == '.' || c == '_' || c == '-' || c == ':' || c == '+' || c == '~';
           });
  });
  if (!is_known_form || !is_plain)
    throw refused(box, ErrorKind::bad_envfile,
                  fmt::format("box '{}' is not an address that envtool knows", box.name));
  return address;
}

}  // namespace

BoxAddress box_address(const BoxConfig& box, const fs::path& home) {
  const std::string& name = box.name;
  if (name.empty()) throw refused(box, ErrorKind::bad_envfile, "the box has no name");
  const std::string& place = box.url.empty() ? name : box.url;
  if (is_document(place) && is_web_address(place))
    return NamedAddress{NamedAddress::Kind::document, web_address({.name = name}, place).url, box.version};
  if (is_document(name) && box.url.empty() && (name.starts_with("file://") || is_path(name)))
    return NamedAddress{NamedAddress::Kind::document, "file://" + local_path(box, home).string(),
                        box.version};
  if (!box.url.empty()) {
    if (is_web_address(box.url) && !is_web_address(name)) return web_address(box, box.url);
    throw refused(
        box, ErrorKind::bad_envfile,
        fmt::format("box '{}': expected 'url' as an http or https address, beside a 'name' that is none",
                    name));
  }
  if (name.starts_with("build:")) return recipe_address(box);
  if (name.starts_with("images:")) return named_address(box);
  if (is_web_address(name)) return web_address(box, name);
  if (name.starts_with("file://") || is_path(name)) {
    refuse_keys(box, "does not go with a local file");
    return LocalBoxAddress{local_path(box, home)};
  }
  if (has_scheme(name))
    throw refused(box, ErrorKind::bad_envfile,
                  fmt::format("box '{}' is not an address that envtool knows", name));
  return named_address(box);
}

}  // namespace envtool
