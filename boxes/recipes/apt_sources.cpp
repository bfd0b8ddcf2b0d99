#include "boxes/recipes/apt_sources.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (const auto& word : split(replace_all(std::string(text), "\t", " "), ' '))
    if (!word.empty()) words.push_back(word);
  return words;
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return result;
}

/// Takes "[arch=amd64 signed-by=/x]" out of the line, and gives what is in it.
std::string take_options(std::string& line) {
  const auto open = line.find('[');
  const auto close = line.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return {};
  std::string options = line.substr(open + 1, close - open - 1);
  line.erase(open, close - open + 1);
  return options;
}

using Stanza = std::map<std::string, std::string>;

AptSource source_of(const Stanza& stanza) {
  const auto field = [&](const std::string& name) {
    const auto found = stanza.find(name);
    return found == stanza.end() ? std::string() : found->second;
  };
  const std::string enabled = lower(field("enabled"));
  if (enabled == "no" || enabled == "false" || enabled == "0" || !contains(words_of(field("types")), "deb"))
    return {};
  return {.uris = words_of(field("uris")),
          .suites = words_of(field("suites")),
          .components = words_of(field("components")),
          .signed_by = std::string(trim(field("signed-by")))};
}

/// The first server of an apt mirror list; the address itself when it is no such list or cannot be read.
std::string through_mirror_list(const std::string& uri) {
  constexpr std::string_view scheme = "mirror+file:";
  if (!uri.starts_with(scheme)) return uri;
  std::string path = uri.substr(scheme.size());
  while (path.starts_with("//")) path.erase(0, 1);
  try {
    for (const auto& line : split(read_file_if_there(path).value_or(""), '\n')) {
      const auto words = words_of(line);
      if (!words.empty() && !words.front().starts_with('#')) return words.front();
    }
  } catch (const Error&) {  // a list that cannot be read gives no mirror
  }
  return uri;
}

bool is_debian_suite(std::string_view suite) {
  static const std::vector<std::string> names = {"buster",  "bullseye", "bookworm",  "trixie",
                                                 "forky",   "duke",     "sid",       "stable",
                                                 "testing", "unstable", "oldstable", "oldoldstable"};
  return contains(names, suite);
}

/// Vendors name their suites as Debian does, but sign with keys of their own.
bool may_be_debian(const AptSource& source) {
  if (!contains(source.components, "main")) return false;
  return source.signed_by.empty() || source.signed_by.find("debian-archive") != std::string::npos;
}

std::string first_usable_uri(const AptSource& source) {
  for (const auto& uri : source.uris)
    if (!uri.starts_with("cdrom:") && !uri.starts_with("mirror")) return uri;
  return {};
}

bool looks_like_debian(std::string_view uri) {
  while (uri.ends_with('/')) uri.remove_suffix(1);
  return uri.ends_with("/debian");
}

std::string host_of(std::string_view uri) {
  const auto start = uri.find("://");
  std::string_view rest = start == std::string_view::npos ? uri : uri.substr(start + 3);
  rest = rest.substr(0, rest.find('/'));
  if (rest.starts_with('[')) return std::string(rest.substr(0, rest.find(']') + 1));
  return lower(rest.substr(0, rest.find(':')));
}

}  // namespace

std::vector<AptSource> parse_apt_list(std::string_view text) {
  std::vector<AptSource> sources;
  for (const auto& whole_line : split(text, '\n')) {
    std::string line(trim(std::string_view(whole_line).substr(0, whole_line.find('#'))));
    const std::string options = take_options(line);
    const auto words = words_of(line);
    if (words.size() < 3 || words[0] != "deb") continue;
    AptSource source{
        .uris = {words[1]}, .suites = {words[2]}, .components = {words.begin() + 3, words.end()}};
    for (const auto& option : words_of(options))
      if (lower(option).starts_with("signed-by=")) source.signed_by = option.substr(option.find('=') + 1);
    sources.push_back(std::move(source));
  }
  return sources;
}

std::vector<AptSource> parse_apt_deb822(std::string_view text) {
  std::vector<AptSource> sources;
  Stanza stanza;
  std::string last_field;
  const auto end_stanza = [&] {
    if (auto source = source_of(stanza); !source.uris.empty()) sources.push_back(std::move(source));
    stanza.clear();
    last_field.clear();
  };
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    if (trim(line).empty()) {
      end_stanza();
    } else if ((line.front() == ' ' || line.front() == '\t') && !last_field.empty()) {
      stanza[last_field] += " " + std::string(trim(line));
    } else if (const auto colon = line.find(':'); colon != std::string::npos) {
      last_field = lower(trim(std::string_view(line).substr(0, colon)));
      stanza[last_field] = trim(std::string_view(line).substr(colon + 1));
    }
  }
  end_stanza();
  return sources;
}

std::vector<AptSource> read_apt_sources(const fs::path& directory) {
  std::vector<fs::path> files = {directory / "sources.list"};
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory / "sources.list.d", failure))
    files.push_back(entry.path());
  std::sort(files.begin() + 1, files.end());
  std::vector<AptSource> all;
  for (const auto& file : files) {
    const bool is_list = file.extension() == ".list";
    if (!is_list && file.extension() != ".sources") continue;
    try {
      const std::string text = read_file_if_there(file).value_or("");
      for (auto& source : is_list ? parse_apt_list(text) : parse_apt_deb822(text)) {
        for (auto& uri : source.uris) uri = through_mirror_list(uri);
        all.push_back(std::move(source));
      }
    } catch (const Error&) {  // files with credentials may be for root alone
    }
  }
  return all;
}

DebianMirrors debian_mirrors(const std::vector<AptSource>& sources) {
  DebianMirrors mirrors;
  for (const auto& source : sources) {
    if (!may_be_debian(source)) continue;
    const std::string uri = first_usable_uri(source);
    if (uri.empty()) continue;
    for (const auto& suite : source.suites) {
      const auto release = suite.substr(0, suite.find_first_of("-/"));
      if (!is_debian_suite(release)) continue;
      const auto part = std::string_view(suite).substr(release.size());
      const bool better = !looks_like_debian(mirrors.archive) && looks_like_debian(uri);
      if (part.empty() && (mirrors.archive.empty() || better)) mirrors.archive = uri;
      if (part == "-updates" && mirrors.updates.empty()) mirrors.updates = uri;
      if ((part == "-security" || part == "/updates") && mirrors.security.empty()) mirrors.security = uri;
    }
  }
  if (mirrors.archive.empty()) return {};
  return mirrors;
}

bool is_private_to_host(std::string_view uri) {
  if (!uri.starts_with("http://") && !uri.starts_with("https://")) return true;
  const auto authority = uri.substr(uri.find("://") + 3);
  if (authority.substr(0, authority.find('/')).find('@') != std::string_view::npos) return true;
  const std::string host = host_of(uri);
  return host.empty() || host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") ||
         host == "0.0.0.0" || host == "[::1]" || host == "[::]";
}

}  // namespace envtool
