#include "providers/libvirt/places.h"

#include "base/files.h"
#include "base/value.h"

namespace envtool::libvirt {

namespace fs = std::filesystem;

std::optional<Place> Places::find(const std::string& machine) const {
  if (machine.empty() || machine.find('/') != std::string::npos) return std::nullopt;
  const fs::path file = file_of(machine);
  const auto text = read_file_if_there(file);
  if (!text) return std::nullopt;
  const Value document = parse_json(*text, "'" + file.string() + "'");
  return Place{document["uri"].as_text(), document["environment"].as_text(), document["only_disks"].as_bool(),
               !document.has("may_keep") || document["may_keep"].as_bool()};
}

void Places::write(const std::string& machine, const Place& place) const {
  make_directories(directory_, 0700);
  write_file(file_of(machine),
             to_json(Value::map({{"uri", place.uri},
                                 {"environment", place.environment},
                                 {"only_disks", place.only_disks},
                                 {"may_keep", place.may_keep}}),
                     2) +
                 "\n",
             0600, Durability::synced);
}

void Places::remove(const std::string& machine) const {
  std::error_code ignored;
  fs::remove(file_of(machine), ignored);
  fs::remove(directory_, ignored);  // only when it is empty
}

}  // namespace envtool::libvirt
