#include "providers/libvirt/box_places.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "base/value.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

std::vector<BoxPlace> BoxPlaces::all() const {
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory_, ignored))
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<BoxPlace> places;
  for (const fs::path& file : files) {
    const auto text = read_file_if_there(file);
    if (!text) continue;
    const Value document = parse_json(*text, "'" + file.string() + "'");
    places.push_back({document["digest"].as_text(), document["uri"].as_text(), document["name"].as_text(),
                      document["unwanted"].as_bool()});
  }
  return places;
}

void BoxPlaces::write(const BoxPlace& place) const {
  const std::string text = to_json(Value::map({{"digest", place.digest},
                                               {"uri", place.uri},
                                               {"name", place.name},
                                               {"unwanted", place.unwanted}}),
                                   2) +
                           "\n";
  const fs::path file = file_of(place);
  if (read_file_if_there(file) == text) return;
  write_file(file, text, 0600, Durability::synced);
}

void BoxPlaces::remove(const BoxPlace& place) const {
  std::error_code ignored;
  fs::remove(file_of(place), ignored);
  fs::remove(directory_, ignored);  // only when it is empty
}

fs::path BoxPlaces::file_of(const BoxPlace& place) const {
  return directory_ / fmt::format("{}.{}.json", place.digest, fnv1a(place.uri));
}

}  // namespace envtool::libvirt
