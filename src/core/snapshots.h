#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/state.h"

namespace envtool {

/// What the core keeps beside a provider's snapshot: which provisioners had succeeded in it. A file a
/// snapshot in the machine's state directory, written before the provider begins and removed after it is
/// done, so that a snapshot never lacks it. Used under the machine's lock.
class SnapshotRecords {
 public:
  explicit SnapshotRecords(const MachineStore& store) : directory_(store.directory() / "snapshots") {}

  void save(const std::string& snapshot, const std::map<std::string, ProvisionRecord>& provisioned) const;
  /// Nothing succeeded in a snapshot that has no file.
  std::map<std::string, ProvisionRecord> load(const std::string& snapshot) const;
  void remove(const std::string& snapshot) const;

 private:
  std::filesystem::path path(const std::string& snapshot) const { return directory_ / (snapshot + ".json"); }

  std::filesystem::path directory_;
};

/// Throws Error(usage) unless it is 1 to 64 letters, digits, '-', '_' and dots, a letter or digit first.
void check_snapshot_name(const std::string& name);

/// What holds of both: names with the same fingerprint.
std::map<std::string, ProvisionRecord> common(const std::map<std::string, ProvisionRecord>& one,
                                              const std::map<std::string, ProvisionRecord>& other);

}  // namespace envtool
