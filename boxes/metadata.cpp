#include "boxes/metadata.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "base/files.h"
#include "base/text.h"

namespace envtool {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t largest_text = 1 << 20;

bool is_user_name(std::string_view name) {
  const auto is_first = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const auto is_later = [&](char c) { return is_first(c) || (c >= '0' && c <= '9') || c == '-'; };
  return !name.empty() && name.size() <= 32 && is_first(name.front()) &&
         std::all_of(name.begin() + 1, name.end(), is_later);
}

/// The text between two equal quotes that is all there is but a comment; empty for anything else.
std::string_view quoted_literal(std::string_view text) {
  if (text.size() < 2 || (text.front() != '"' && text.front() != '\'')) return {};
  const auto end = text.find(text.front(), 1);
  if (end == std::string_view::npos) return {};
  const auto rest = trim(text.substr(end + 1));
  if (!rest.empty() && !rest.starts_with('#')) return {};
  return text.substr(1, end - 1);
}

void check_lxc(const fs::path& directory, const Value& metadata) {
  const Value& version = metadata["version"];
  const std::string found =
      version.is_integer() ? fmt::format("{}", version.as_integer()) : version.as_text();
  if (found != "1.0.0" && found != "2" && found != "3")
    throw Error(ErrorKind::failed,
                found.empty()
                    ? std::string("'metadata.json' has no 'version'; for lxc it is 1.0.0, 2 or 3")
                    : fmt::format("'metadata.json' has version '{}'; for lxc it is 1.0.0, 2 or 3", found));
  int archives = 0;
  for (const auto& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename();
    if (entry.is_regular_file() && (name == "rootfs.tar" || name.starts_with("rootfs.tar."))) ++archives;
  }
  if (archives != 1)
    throw Error(ErrorKind::failed,
                fmt::format("expected one 'rootfs.tar.*' at its root, found {}", archives));
}

}  // namespace

BoxDefaults vagrantfile_defaults(std::string_view text) {
  constexpr std::string_view key = "config.ssh.username";
  BoxDefaults defaults;
  for (const auto& whole_line : split(text, '\n')) {
    std::string_view line = trim(whole_line);
    if (!line.starts_with(key)) continue;
    line = trim(line.substr(key.size()));
    if (!line.starts_with('=')) continue;
    const auto name = quoted_literal(trim(line.substr(1)));
    if (is_user_name(name)) defaults.ssh_user = name;
  }
  return defaults;
}

BoxFacts read_box_facts(const fs::path& directory) {
  const auto text = read_file_if_there(directory / "metadata.json", largest_text);
  if (!text) throw Error(ErrorKind::failed, "there is no 'metadata.json' at its root");
  BoxFacts facts;
  facts.metadata = parse_json(*text, "'metadata.json'");
  facts.format = facts.metadata["provider"].as_text();
  if (facts.format.empty()) throw Error(ErrorKind::failed, "'metadata.json' does not name its 'provider'");
  if (const auto vagrantfile = read_file_if_there(directory / "Vagrantfile", largest_text))
    facts.defaults = vagrantfile_defaults(*vagrantfile);
  return facts;
}

void check_box_content(const fs::path& directory, const BoxFacts& facts) {
  if (facts.format == "lxc") check_lxc(directory, facts.metadata);
}

}  // namespace envtool
