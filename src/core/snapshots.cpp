#include "core/snapshots.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"

namespace envtool {

void SnapshotRecords::save(const std::string& snapshot,
                           const std::map<std::string, ProvisionRecord>& provisioned) const {
  const Value value = Value::map({{"format", 1}, {"provisioned", to_value(provisioned)}});
  write_file(path(snapshot), to_json(value, 2) + "\n", 0600);
}

std::map<std::string, ProvisionRecord> SnapshotRecords::load(const std::string& snapshot) const {
  const auto text = read_file_if_there(path(snapshot));
  if (!text) return {};
  return provisioned_from(parse_json(*text, path(snapshot).string())["provisioned"]);
}

void SnapshotRecords::remove(const std::string& snapshot) const {
  std::error_code ignored;
  std::filesystem::remove(path(snapshot), ignored);
}

void check_snapshot_name(const std::string& name) {
  const auto is_plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  if (!name.empty() && name.size() <= 64 && is_plain(name.front()) &&
      std::all_of(name.begin(), name.end(),
                  [&](char c) { return is_plain(c) || c == '-' || c == '_' || c == '.'; }))
    return;
  throw Error(ErrorKind::usage, fmt::format("'{}' is no name for a snapshot", name))
      .with_hint("use 1 to 64 letters, digits, '-', '_' and dots, a letter or digit first");
}

std::map<std::string, ProvisionRecord> common(const std::map<std::string, ProvisionRecord>& one,
                                              const std::map<std::string, ProvisionRecord>& other) {
  std::map<std::string, ProvisionRecord> both = one;
  std::erase_if(both, [&](const auto& item) {
    const auto twin = other.find(item.first);
    return twin == other.end() || twin->second.fingerprint != item.second.fingerprint;
  });
  return both;
}

}  // namespace envtool
