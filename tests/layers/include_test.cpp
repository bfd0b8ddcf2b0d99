#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/files.h"
#include "base/text.h"
#include "places.h"

namespace fs = std::filesystem;
using namespace envtool;

namespace {

/// What each layer may include besides itself; src/README.md draws the same picture.
const std::map<std::string, std::set<std::string>> allowed_layers = {
    {"base", {}},
    {"config", {"base"}},
    {"core", {"base", "config"}},
    {"ssh", {"base", "config", "core"}},
    {"sync", {"base", "config", "core"}},
    {"forward", {"base"}},
    {"boxes", {"base", "config", "core"}},
    {"providers", {"base", "config", "core"}},
    {"provisioners", {"base", "config", "core"}},
    {"cli", {"base", "config", "core", "ssh", "sync", "boxes"}},
};

/// Where a library's headers may appear: a path prefix for each prefix of an include.
const std::map<std::string, std::vector<std::string>> allowed_libraries = {
    {"yaml-cpp/", {"src/config/"}},
    {"libssh/", {"src/ssh/"}},
    {"openssl/", {"src/base/libcrypto.h"}},
    {"archive", {"src/base/libarchive.h"}},
    {"curl/", {"boxes/"}},
    {"lxc/", {"providers/lxc/"}},
    {"libvirt/", {"providers/libvirt/"}},
    {"nlohmann/", {"src/base/json.cpp"}},
    {"CLI/", {"src/cli/command_line.cpp"}},
};

struct Include {
  std::string file;  ///< relative to the top
  int line = 0;
  std::string target;
  bool quoted = false;
};

struct Source {
  std::string path;
  std::string text;
};

std::vector<Source> sources_of_the_tree() {
  std::vector<Source> sources;
  for (const char* top : {"src", "providers", "provisioners", "boxes"})
    for (const auto& entry : fs::recursive_directory_iterator(source_directory / top))
      if (entry.path().extension() == ".h" || entry.path().extension() == ".cpp")
        sources.push_back({fs::relative(entry.path(), source_directory).string(), read_file(entry.path())});
  return sources;
}

std::vector<Include> includes_of(const Source& source) {
  std::vector<Include> includes;
  int number = 0;
  for (const std::string& line : split(source.text, '\n')) {
    ++number;
    const std::string_view text = trim(line);
    if (!text.starts_with("#include")) continue;
    const size_t begin = text.find_first_of("<\"");
    const size_t end = begin == std::string_view::npos ? begin : text.find_first_of(">\"", begin + 1);
    REQUIRE_MESSAGE(end != std::string_view::npos, source.path << ":" << number);
    includes.push_back(
        {source.path, number, std::string(text.substr(begin + 1, end - begin - 1)), text[begin] == '"'});
  }
  return includes;
}

/// "base" for src/base/x.h, "providers" and "boxes" for the folders at the top, "" for what is no layer.
std::string layer_of(std::string_view path) {
  if (path.starts_with("src/")) path.remove_prefix(4);
  const std::string first(path.substr(0, path.find('/')));
  return allowed_layers.contains(first) ? first : "";
}

/// "providers/lxc": plugins must not know each other.
std::string plugin_of(std::string_view path) {
  const std::vector<std::string> parts = split(path, '/');
  return parts.size() > 2 && (parts[0] == "providers" || parts[0] == "provisioners")
             ? parts[0] + "/" + parts[1]
             : "";
}

std::string problem_with_layers(const Include& include) {
  const std::string from = layer_of(include.file), to = layer_of(include.target);
  if (!include.quoted || from.empty()) return {};
  if (to.empty()) return "is written neither from src/ nor from the top";
  if (from == to) return plugin_of(include.file) == plugin_of(include.target) ? "" : "is another plugin's";
  return allowed_layers.at(from).contains(to) ? "" : fmt::format("is not below '{}'", from);
}

std::string problem_with_libraries(const Include& include) {
  if (include.quoted) return {};
  for (const auto& [library, places] : allowed_libraries) {
    if (!include.target.starts_with(library)) continue;
    for (const std::string& place : places)
      if (include.file.starts_with(place)) return {};
    return fmt::format("is allowed in {} only", join(places, ", "));
  }
  return {};
}

}  // namespace

TEST_CASE("no file includes what lies above or beside its layer") {
  for (const Source& source : sources_of_the_tree())
    for (const Include& include : includes_of(source)) {
      const std::string problem = problem_with_layers(include);
      CHECK_MESSAGE(problem.empty(),
                    include.file << ":" << include.line << ": '" << include.target << "' " << problem);
    }
}

TEST_CASE("each library's headers stay in the one folder that may know it") {
  for (const Source& source : sources_of_the_tree())
    for (const Include& include : includes_of(source)) {
      const std::string problem = problem_with_libraries(include);
      CHECK_MESSAGE(problem.empty(),
                    include.file << ":" << include.line << ": '" << include.target << "' " << problem);
    }
}

TEST_CASE("an upward, a sideways and a foreign include are found") {
  CHECK(!problem_with_layers({"src/base/text.cpp", 1, "core/host.h", true}).empty());
  CHECK(!problem_with_layers({"src/ssh/keys.cpp", 1, "sync/rsync.h", true}).empty());
  CHECK(!problem_with_layers({"providers/lxc/provider.cpp", 1, "providers/libvirt/xml.h", true}).empty());
  CHECK(!problem_with_layers({"src/core/plan.cpp", 1, "plan.h", true}).empty());
  CHECK(!problem_with_libraries({"src/core/plan.cpp", 1, "nlohmann/json.hpp", false}).empty());
  CHECK(problem_with_layers({"src/cli/app.cpp", 1, "core/engine.h", true}).empty());
  CHECK(problem_with_libraries({"src/config/yaml.cpp", 1, "yaml-cpp/yaml.h", false}).empty());
}

TEST_CASE("files keep to the sizes one can read in a sitting" * doctest::may_fail()) {
  for (const Source& source : sources_of_the_tree()) {
    const auto lines = std::count(source.text.begin(), source.text.end(), '\n');
    const long limit = source.path.ends_with(".h") ? 150 : 400;
    WARN_MESSAGE(lines <= limit, source.path << " has " << lines << " lines; the limit is " << limit);
  }
}
