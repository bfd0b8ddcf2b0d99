#include "providers/lxc/parts/rootless.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/files.h"
#include "base/text.h"

namespace envtool::lxc {

namespace fs = std::filesystem;

namespace {

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words = split(replace_all(std::string(line), "\t", " "), ' ');
  std::erase(words, "");
  return words;
}

bool may_make_groups_in(const fs::path& directory) {
  return ::access(directory.c_str(), W_OK | X_OK) == 0 &&
         ::access((directory / "cgroup.procs").c_str(), W_OK) == 0;
}

bool contains(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

}  // namespace

std::optional<IdRange> subordinate_block(std::string_view text, const std::string& user, unsigned id) {
  for (const std::string& line : split(text, '\n')) {
    const std::string_view trimmed = trim(line);
    const std::string owner(trimmed.substr(0, trimmed.find(':')));
    if (owner != user && owner != std::to_string(id)) continue;
    for (const IdRange& range : parse_subordinate_ids(trimmed))
      if (range.count >= ids_per_machine) return range;
  }
  return std::nullopt;
}

std::vector<std::string> allowed_bridges(std::string_view text, const std::string& user,
                                         const std::vector<std::string>& groups) {
  std::vector<std::string> bridges;
  for (const std::string& line : split(text, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() != 4 || words[0].starts_with('#') || words[1] != "veth" || words[3] == "0") continue;
    const bool allowed = words[0].starts_with('@') ? contains(groups, words[0].substr(1)) : words[0] == user;
    if (allowed && !contains(bridges, words[2])) bridges.push_back(words[2]);
  }
  return bridges;
}

std::vector<CgroupPlace> cgroup_places(std::string_view cgroups, std::string_view mounts) {
  std::vector<CgroupPlace> places;
  for (const std::string& line : split(cgroups, '\n')) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string names = line.substr(first + 1, second - first - 1);
    const bool unified = names.empty();
    for (const std::string& mount : split(mounts, '\n')) {
      const std::vector<std::string> words = split(mount, ' ');
      if (words.size() < 4 || words[2] != (unified ? "cgroup2" : "cgroup")) continue;
      const std::vector<std::string> options = split(words[3], ',');
      const std::vector<std::string> controllers = split(names, ',');
      if (!unified && !std::all_of(controllers.begin(), controllers.end(),
                                   [&](const std::string& name) { return contains(options, name); }))
        continue;
      CgroupPlace place{.mount = words[1],
                        .directory = fs::path(words[1]) / fs::path(line.substr(second + 1)).relative_path(),
                        .unified = unified,
                        .of_systemd = names == "name=systemd"};
      places.insert(unified ? places.begin() : places.end(), std::move(place));
      break;
    }
  }
  return places;
}

Delegation delegated_cgroups(const std::string& user) {
  Delegation delegation;
  const auto places = cgroup_places(read_file("/proc/self/cgroup"), read_file("/proc/mounts"));
  const bool has_named =
      std::any_of(places.begin(), places.end(), [](const CgroupPlace& place) { return place.of_systemd; });
  for (CgroupPlace place : places) {
    std::vector<fs::path> candidates = {place.directory};
    // Into a group of version 2 nobody can move himself from outside of what is his.
    if (!place.unified)
      candidates.insert(candidates.end(), {place.mount / "user" / user, place.mount / user});
    const auto found = std::find_if(candidates.begin(), candidates.end(), may_make_groups_in);
    if (found == candidates.end()) continue;
    place.directory = *found;
    delegation.suffices |= has_named ? place.of_systemd : place.unified;
    delegation.places.push_back(std::move(place));
  }
  return delegation;
}

}  // namespace envtool::lxc
